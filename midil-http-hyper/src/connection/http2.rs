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
use crate::request::{Bound, Outgoing};

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
        !self.sender.is_closed() && self.usage.admits(expiry)
    }

    pub(crate) fn belongs_to(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }

    /// Sends `request`, and returns at the head of the response.
    pub(crate) async fn exchange(
        self,
        mut request: http::Request<Outgoing>,
    ) -> Result<(Response<Incoming>, InFlight), Failure> {
        let upload = request.body_mut().bind();
        let mut in_flight = InFlight::begin(self.usage, upload);
        let mut sender = self.sender;
        let response = sender.try_send_request(request);
        // A request that comes just when the connection's task ends lies in their channel until all senders are gone; then
        // hyper gives it back. Who waits for the response must therefore not be one of them.
        drop(sender);
        match response.await {
            Ok(response) => {
                in_flight.has_a_head();
                Ok((response, in_flight))
            }
            Err(error) => {
                in_flight.has_failed();
                let mut failure = failure(error);
                if let Failure::Unsent(request, _) = &mut failure {
                    request.body_mut().unbind();
                }
                Err(failure)
            }
        }
    }
}

/// How a connection is used, and whether it lives.
#[derive(Debug)]
pub(crate) struct Usage(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Exchanges.
    in_flight: usize,
    idle_since: Instant,
    /// How many have come over it.
    heads: u64,
    /// Whether a call was given up, and nothing had come in all of its time.
    is_silent: bool,
}

impl Default for Usage {
    fn default() -> Self {
        let idle_since = Instant::now();
        Self(Mutex::new(State { in_flight: 0, idle_since, heads: 0, is_silent: false }))
    }
}

impl Usage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it takes one more exchange: it is neither silent, nor was it idle for longer than `expiry`.
    fn admits(&self, expiry: Duration) -> bool {
        let state = self.lock();
        !state.is_silent && (state.in_flight > 0 || state.idle_since.elapsed() <= expiry)
    }
}

/// An exchange over a shared connection. Dropping it breaks off what it still sends.
///
/// When it is dropped before its head, and no other head has come since it began, no further exchange goes over this connection.
/// A peer that is cut off says nothing, not even that it is: the system would try for a quarter of an hour, and so would all calls
/// and their retries. Over HTTP/1.1 a call that is dropped closes its connection, which comes to the same. Whoever dropped it
/// in a hurry has cost the next one a new connection, no more: what goes on over the old one goes on.
pub(crate) struct InFlight {
    usage: Arc<Usage>,
    /// The heads that had come when it began; `None` once it has one of its own, or has failed.
    awaits: Option<u64>,
    upload: Option<Bound>,
}

impl InFlight {
    fn begin(usage: Arc<Usage>, upload: Option<Bound>) -> Self {
        let heads = {
            let mut state = usage.lock();
            state.in_flight += 1;
            state.heads
        };
        Self { usage, awaits: Some(heads), upload }
    }

    fn has_a_head(&mut self) {
        self.awaits = None;
        self.usage.lock().heads += 1;
    }

    /// hyper has said so: it will say by itself whether the connection is done for.
    const fn has_failed(&mut self) {
        self.awaits = None;
    }

    /// What it sends still, if anything.
    pub(crate) fn upload(&self) -> Option<&Bound> {
        self.upload.as_ref().filter(|upload| !upload.has_ended())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.usage.lock();
        state.in_flight -= 1;
        state.idle_since = Instant::now();
        state.is_silent |= self.awaits == Some(state.heads);
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
