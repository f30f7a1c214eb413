//! [`Http2`]: a connection that exchanges share, and a task of its own drives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use super::{Failure, failure};
use crate::connect::Io;
use crate::request::Outgoing;

/// A connection over HTTP/2.
#[derive(Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<Outgoing>,
    usage: Arc<Usage>,
    runtime: Id,
}

impl Http2 {
    /// `gone` is called when the connection has ended, or its task was dropped.
    pub(crate) async fn new(io: Io, gone: impl FnOnce() + Send + 'static) -> hyper::Result<Self> {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await?;
        let gone = Gone(Some(gone));
        let runtime = Handle::current();
        runtime.spawn(async move {
            let _gone = gone;
            // What it ended with, it has told the exchanges that it ended.
            let _ = connection.await;
        });
        Ok(Self { sender, usage: Arc::default(), runtime: runtime.id() })
    }

    /// Whether a request may be given to it.
    pub(crate) fn is_usable(&self, expiry: Duration) -> bool {
        !self.sender.is_closed() && !self.usage.is_idle_for_longer_than(expiry)
    }

    pub(crate) fn belongs_to(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }

    /// Sends `request`, and returns at the head of the response.
    pub(crate) async fn exchange(
        self,
        request: http::Request<Outgoing>,
    ) -> Result<(Response<Incoming>, InFlight), Failure> {
        let in_flight = InFlight::begin(self.usage);
        let mut sender = self.sender;
        let response = sender.try_send_request(request);
        // A request that comes just when the connection's task ends lies in their channel until all senders are gone; then
        // hyper gives it back. Who waits for the response must therefore not be one of them.
        drop(sender);
        match response.await {
            Ok(response) => Ok((response, in_flight)),
            Err(error) => Err(failure(error)),
        }
    }
}

/// How many exchanges a connection carries, and since when none.
#[derive(Debug)]
pub(crate) struct Usage(Mutex<State>);

#[derive(Debug)]
struct State {
    in_flight: usize,
    idle_since: Instant,
}

impl Default for Usage {
    fn default() -> Self {
        Self(Mutex::new(State { in_flight: 0, idle_since: Instant::now() }))
    }
}

impl Usage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle_for_longer_than(&self, expiry: Duration) -> bool {
        let state = self.lock();
        state.in_flight == 0 && state.idle_since.elapsed() > expiry
    }
}

/// An exchange over a shared connection.
pub(crate) struct InFlight(Arc<Usage>);

impl InFlight {
    fn begin(usage: Arc<Usage>) -> Self {
        usage.lock().in_flight += 1;
        Self(usage)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight -= 1;
        state.idle_since = Instant::now();
    }
}

/// Tells that a connection's task is over, however that came.
struct Gone<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Gone<F> {
    fn drop(&mut self) {
        if let Some(gone) = self.0.take() {
            gone();
        }
    }
}
