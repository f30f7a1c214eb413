//! [`Http1`]: a connection that does one exchange after the other, and that its user polls.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::runtime::{Handle, Id};
use tokio::task::coop::unconstrained;

use super::{Failure, Line, failure};
use crate::connect::Io;
use crate::request::Outgoing;

/// A connection over HTTP/1.1.
///
/// It has no task: the future of `send`, then the body of the response, poll it. So a request is never handed to another
/// task that may end in the same moment and lose it, nobody is woken for somebody else, an exchange that is dropped is over,
/// and a connection is back in the pool when the caller has the end of the body.
pub(crate) struct Http1 {
    sender: SendRequest<Outgoing>,
    /// `None` once it has ended.
    connection: Option<http1::Connection<TokioIo<Io>, Outgoing>>,
    line: Arc<Line>,
    /// Leads to the line.
    waker: Waker,
    /// Whose driver wakes it.
    runtime: Handle,
}

impl Http1 {
    pub(crate) async fn new(io: Io, line: Arc<Line>) -> hyper::Result<Box<Self>> {
        let (sender, connection) = http1::handshake(TokioIo::new(io)).await?;
        let waker = Waker::from(Arc::clone(&line));
        let runtime = Handle::current();
        Ok(Box::new(Self { sender, connection: Some(connection), line, waker, runtime }))
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn belongs_to(&self, runtime: Id) -> bool {
        self.runtime.id() == runtime
    }

    /// Sends `request`, and returns at the head of the response.
    ///
    /// A connection that was idle first looks whether the server has closed it; then nothing is sent.
    pub(crate) async fn exchange(
        &mut self,
        request: http::Request<Outgoing>,
    ) -> Result<Response<Incoming>, Failure> {
        let Self { sender, connection, line, waker, .. } = self;
        // Now, not when it came to rest: it may have been polled since, by the task that looks after it.
        line.look_first();
        let mut response = pin!(unconstrained(sender.try_send_request(request)));
        poll_fn(|cx| {
            poll(connection, line, waker, cx);
            // It moves on when the connection does: that is polled here, so nobody need be woken. tokio must not send it away
            // for having done its share: it would not be woken again.
            let mut quiet = Context::from_waker(Waker::noop());
            match response.as_mut().poll(&mut quiet) {
                Poll::Ready(outcome) => Poll::Ready(outcome.map_err(failure)),
                Poll::Pending if connection.is_none() => Poll::Ready(Err(Failure::Silent)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Moves the connection on; `cx` is woken when it can move further.
    pub(crate) fn drive(&mut self, cx: &Context<'_>) {
        poll(&mut self.connection, &self.line, &self.waker, cx);
    }

    /// Whether it can take the next request.
    pub(crate) fn is_ready(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.connection.is_none()
    }

    /// Before it rests in the pool.
    pub(crate) fn rest(&self) {
        self.line.hang_up();
    }
}

fn poll(
    connection: &mut Option<http1::Connection<TokioIo<Io>, Outgoing>>,
    line: &Line,
    waker: &Waker,
    cx: &Context<'_>,
) {
    let Some(running) = connection else { return };
    line.listen(cx.waker());
    // What it ended with, it has told the exchange that it ended.
    if Pin::new(running).poll(&mut Context::from_waker(waker)).is_ready() {
        *connection = None;
    }
}
