//! What is left of a call's timeouts while its response body is read.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use super::{Body, Upload, count};
use crate::observer::InFlight;
use crate::{
    BodyEnd, BoxFuture, Error, Phase, Runtime, Sent, TimeoutError, TimeoutKind, TransportError,
    TransportErrorKind,
};

/// A point in time at which something must be over, and the setting that it came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    kind: TimeoutKind,
    after: Duration,
}

impl Deadline {
    /// `after` from `start`; `None` when that is too far away for the clock.
    pub(crate) fn new(start: Instant, after: Duration, kind: TimeoutKind) -> Option<Self> {
        Some(Self { at: start.checked_add(after)?, kind, after })
    }

    pub(crate) const fn at(&self) -> Instant {
        self.at
    }

    pub(crate) fn passed(&self, now: Instant) -> bool {
        now >= self.at
    }

    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    pub(crate) fn error(&self, phase: Phase) -> Error {
        TimeoutError::new(self.kind, self.after, phase).into()
    }

    fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

/// The timeouts of an exchange: made before it starts, handed over to its response body.
pub(crate) struct Watch {
    runtime: Arc<dyn Runtime>,
    /// The longest that nothing may move.
    progress: Option<Duration>,
    /// The end of the attempt or the call, whichever is nearer.
    deadline: Option<Deadline>,
    /// The body that is still on its way out: it may be what everybody waits for, and may go on after the head.
    upload: Option<Arc<Upload>>,
    /// The one timer of the exchange, and when it rings. It may ring early: then it is wound up anew.
    timer: Option<(Instant, SyncWrapper<BoxFuture<'static, ()>>)>,
}

impl Watch {
    pub(crate) const fn new(
        runtime: Arc<dyn Runtime>,
        progress: Option<Duration>,
        deadline: Option<Deadline>,
        upload: Option<Arc<Upload>>,
    ) -> Self {
        Self { runtime, progress, deadline, upload, timer: None }
    }

    /// Whether there is nothing to watch for.
    pub(crate) const fn is_idle(&self) -> bool {
        self.progress.is_none() && self.deadline.is_none() && self.upload.is_none()
    }

    pub(crate) fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Whether the transport has not taken all of the request's body yet.
    pub(crate) fn is_sending(&self) -> bool {
        self.upload.as_ref().is_some_and(|upload| !upload.is_ended())
    }

    /// What the exchange failed with: whatever the transport made of it, that is what the caller's stream failed with.
    pub(crate) fn failure(&self, error: Error) -> Error {
        self.upload.as_ref().and_then(|upload| upload.take_failure()).unwrap_or(error)
    }

    /// Completes when a timeout has fired, given that we wait for the peer since `since`; `None` when nobody does.
    ///
    /// What moves of an upload counts, too, and while its producer on our side is slow, nobody waits for the peer.
    pub(crate) fn poll_expired(
        &mut self,
        cx: &mut Context<'_>,
        since: Option<Instant>,
    ) -> Poll<Deadline> {
        loop {
            let moved = match &self.upload {
                Some(upload) => {
                    upload.stalled_since(cx).zip(since).map(|(moved, since)| moved.max(since))
                }
                None => since,
            };
            let stall = match (self.progress, moved) {
                (Some(limit), Some(since)) => Deadline::new(since, limit, TimeoutKind::Progress),
                _ => None,
            };
            let Some(due) = Deadline::earlier(self.deadline, stall) else { return Poll::Pending };
            match &mut self.timer {
                Some((rings, timer)) if *rings <= due.at => {
                    ready!(timer.get_mut().as_mut().poll(cx));
                    self.timer = None;
                    if due.passed(self.now()) {
                        return Poll::Ready(due);
                    }
                }
                _ => {
                    let left = due.remaining(self.now());
                    if left.is_zero() {
                        return Poll::Ready(due);
                    }
                    self.timer = Some((due.at, SyncWrapper::new(self.runtime.sleep(left))));
                }
            }
        }
    }
}

/// A response body under watch: it must keep moving, end in time, and have the length that was announced for it.
pub(super) struct Watched {
    body: Body,
    watch: Watch,
    announced: Option<u64>,
    received: u64,
    /// Since when the reader waits for the peer.
    waiting_since: Option<Instant>,
    /// Tells an observer when all is over.
    in_flight: Option<Box<InFlight>>,
}

impl Watched {
    pub(super) const fn new(body: Body, watch: Watch, announced: Option<u64>) -> Self {
        Self { body, watch, announced, received: 0, waiting_since: None, in_flight: None }
    }

    pub(super) fn set_total(&mut self, total: Deadline) {
        self.watch.deadline = Deadline::earlier(self.watch.deadline, Some(total));
    }

    /// Notes who wants to know when the body is over; gives back what is of another client than that of those before.
    pub(super) fn track(&mut self, in_flight: InFlight) -> Option<InFlight> {
        match &mut self.in_flight {
            Some(before) => before.join(in_flight),
            None => {
                self.in_flight = Some(Box::new(in_flight));
                None
            }
        }
    }

    fn close(&mut self, how: BodyEnd) {
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.close(how);
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(deadline) = self.watch.deadline
            && deadline.passed(self.watch.now())
        {
            return self.break_off(deadline.error(Phase::Body));
        }
        match std::pin::Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting_since = None;
                self.received =
                    self.received.saturating_add(frame.data_ref().map_or(0, |data| count(data)));
                if self.in_flight.is_some() && self.is_end_stream() {
                    self.close(BodyEnd::Complete); // whoever knows that it was the last asks for no other
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None)
                if self.announced.is_some_and(|announced| self.received < announced) =>
            {
                let problem = "the response body ended before the length that was announced for it";
                self.break_off(
                    TransportError::new(TransportErrorKind::Closed, Sent::Maybe, problem).into(),
                )
            }
            Poll::Ready(Some(Err(error))) => {
                let error = self.watch.failure(error);
                self.break_off(error)
            }
            Poll::Ready(None) => {
                self.announced = None;
                self.close(BodyEnd::Complete);
                Poll::Ready(None)
            }
            Poll::Pending if self.watch.is_idle() => Poll::Pending,
            Poll::Pending => {
                let since = match self.waiting_since {
                    Some(since) => since,
                    None => *self.waiting_since.insert(self.watch.now()),
                };
                let expired = ready!(self.watch.poll_expired(cx, Some(since)));
                self.break_off(expired.error(Phase::Body))
            }
        }
    }

    /// Drops what is left of the body, which aborts the exchange, and ends in `error`.
    fn break_off(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.body = Body::empty();
        self.announced = None;
        self.watch.deadline = None;
        self.close(BodyEnd::Failed(error.kind()));
        Poll::Ready(Some(Err(error)))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
            && self.announced.is_none_or(|announced| self.received >= announced)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
