//! What is left of a call's timeouts while its response body is read.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use super::riders::Riders;
use super::{Body, Upload, count};
use crate::alarm::{Timer, poll_timer};
use crate::client::Ticket;
use crate::{
    Alarm, Error, Phase, Runtime, Sent, TimeoutError, TimeoutKind, TransportError,
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

    pub(crate) const fn is_of_attempt(&self) -> bool {
        matches!(self.kind, TimeoutKind::Attempt)
    }

    pub(crate) fn passed(&self, now: Instant) -> bool {
        now >= self.at
    }

    pub(crate) fn timeout(&self, phase: Phase) -> TimeoutError {
        TimeoutError::new(self.kind, self.after, phase)
    }

    pub(crate) fn error(&self, phase: Phase) -> Error {
        self.timeout(phase).into()
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
    /// The one timer of the exchange, unless it is somebody's further up.
    timer: SyncWrapper<Option<Timer>>,
}

impl Watch {
    pub(crate) const fn new(
        runtime: Arc<dyn Runtime>,
        progress: Option<Duration>,
        deadline: Option<Deadline>,
        upload: Option<Arc<Upload>>,
    ) -> Self {
        Self { runtime, progress, deadline, upload, timer: SyncWrapper::new(None) }
    }

    /// Whether there is nothing to watch for.
    pub(crate) const fn is_idle(&self) -> bool {
        self.progress.is_none() && self.deadline.is_none() && self.upload.is_none()
    }

    /// Whether there is a point in time at which the body must have been read.
    pub(crate) const fn has_deadline(&self) -> bool {
        self.deadline.is_some()
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
    /// What moves of an upload counts, too, and while its producer on our side is slow, nobody waits for the peer. The timer is
    /// that of `alarm`, where there is one with a place for us; `placed` tells whether there is.
    pub(crate) fn poll_expired(
        &mut self,
        cx: &mut Context<'_>,
        since: Option<Instant>,
        alarm: Option<&Alarm<'_>>,
        placed: &mut bool,
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
            let timer = self.timer.get_mut();
            let shared = match (&timer, alarm) {
                (None, Some(alarm)) => alarm.poll_for(cx, due.at, placed),
                _ => None,
            };
            let own = || poll_timer(timer, &*self.runtime, cx, due.at);
            ready!(shared.unwrap_or_else(own));
            if due.passed(self.now()) {
                return Poll::Ready(due);
            }
        }
    }
}

/// A response body under watch: it must keep moving, end in time, and have the length that was announced for it.
pub(super) struct Watched {
    body: Body,
    watch: Option<Watch>,
    announced: Option<u64>,
    received: u64,
    /// Since when the reader waits for the peer.
    waiting_since: Option<Instant>,
    /// Who goes along until all is received.
    riders: Riders,
}

impl Watched {
    pub(super) const fn new(body: Body, watch: Option<Watch>, announced: Option<u64>) -> Self {
        let (received, waiting_since, riders) = (0, None, Riders::NONE);
        Self { body, watch, announced, received, waiting_since, riders }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.body.is_in_memory()
    }

    /// See [`Body::in_flight`].
    pub(super) fn in_flight(&mut self, ticket: Ticket) -> Result<(), Error> {
        if self.body.is_in_memory() || self.is_end_stream() {
            return ticket.finish();
        }
        ticket.has_head();
        self.riders.set_ticket(ticket);
        Ok(())
    }

    /// Whether there is room for middleware that is told of the end.
    pub(super) const fn may_tell(&self) -> bool {
        self.riders.may_tell()
    }

    pub(super) const fn riders(&mut self) -> &mut Riders {
        &mut self.riders
    }

    pub(super) fn set_total(
        &mut self,
        total: Deadline,
        runtime: &Arc<dyn Runtime>,
        timer: Option<Timer>,
    ) {
        let fresh = || Watch::new(Arc::clone(runtime), None, None, None);
        let watch = self.watch.get_or_insert_with(fresh);
        watch.deadline = Deadline::earlier(watch.deadline, Some(total));
        if watch.timer.get_mut().is_none() {
            watch.timer = SyncWrapper::new(timer);
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.riders.are_dropped() {
            return self.break_off(Error::Closed);
        }
        if let Some(watch) = &self.watch
            && let Some(deadline) = watch.deadline
            && deadline.passed(watch.now())
        {
            return self.break_off(deadline.error(Phase::Body));
        }
        match std::pin::Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting_since = None;
                self.received =
                    self.received.saturating_add(frame.data_ref().map_or(0, |data| count(data)));
                // Whoever knows that this is all need not ask for the end.
                if !self.riders.is_empty()
                    && self.is_all()
                    && let Err(closed) = self.riders.finish()
                {
                    return self.break_off(closed);
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
                let error = match &self.watch {
                    Some(watch) => watch.failure(error),
                    None => error,
                };
                self.break_off(error)
            }
            Poll::Ready(None) => {
                // All is here: nothing is late any more, however often the end is asked for.
                if let Some(watch) = &mut self.watch {
                    watch.deadline = None;
                }
                self.announced = None;
                match self.riders.finish() {
                    Ok(()) => Poll::Ready(None),
                    Err(closed) => self.break_off(closed),
                }
            }
            Poll::Pending => {
                if let Some(ticket) = self.riders.ticket()
                    && ticket.poll_dropped(cx).is_ready()
                {
                    return self.break_off(Error::Closed);
                }
                let Some(watch) = self.watch.as_mut().filter(|watch| !watch.is_idle()) else {
                    return Poll::Pending;
                };
                let since = match self.waiting_since {
                    Some(since) => since,
                    None => *self.waiting_since.insert(watch.now()),
                };
                let expired = ready!(watch.poll_expired(cx, Some(since), None, &mut false));
                self.break_off(expired.error(Phase::Body))
            }
        }
    }

    /// Whether all has come: by the announced length, or because nothing else can.
    fn is_all(&self) -> bool {
        self.announced.map_or_else(|| self.body.is_end_stream(), |length| self.received >= length)
    }

    /// Drops what is left of the body, which aborts the exchange, and ends in `error`, or as a body whose client was closed.
    fn break_off(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.body = Body::empty();
        self.announced = None;
        let error = self.riders.break_off(error);
        if let Some(watch) = &mut self.watch {
            watch.deadline = None;
        }
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
