//! What the timeouts and the retry loop must know of a request body while a transport reads it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::boxed::BoxedBody;
use super::home::Home;
use super::progress::with_pending;
use super::replayable::Replayable;
use super::{Body, CHUNK, Kind};
use crate::{BodyError, Error, Runtime};

/// The progress of an upload, shared by the body that the transport reads and the timeout that watches it.
pub(crate) struct Upload {
    runtime: Arc<dyn Runtime>,
    /// Where the body is read, whatever thread the transport reads it on.
    home: Home,
    started: Instant,
    /// When the transport last took a piece, or the producer last yielded one: nanoseconds since the start.
    progress: AtomicU64,
    /// The producer on our side is what everybody waits for.
    starved: AtomicBool,
    ended: AtomicBool,
    failure: Mutex<Option<Error>>,
    /// Whoever watches, to be woken when the producer has gone on: the transport may read the body on another task.
    watcher: Mutex<Option<Waker>>,
}

impl Upload {
    /// Watches `body`, unless it is so small that the transport takes it in one go.
    pub(crate) fn watch(body: Body, runtime: &Arc<dyn Runtime>) -> (Body, Option<Arc<Self>>) {
        match &body.0 {
            Kind::Empty => return (body, None),
            Kind::Bytes(bytes) if bytes.len() <= CHUNK => return (body, None),
            _ => {}
        }
        let upload = Arc::new(Self {
            runtime: Arc::clone(runtime),
            home: Home::here(),
            started: runtime.now(),
            progress: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            failure: Mutex::new(None),
            watcher: Mutex::new(None),
        });
        (Self::watched(body, &upload), Some(upload))
    }

    /// The body that reports to `upload`. What can be sent again stays so: the transport may be one that retries.
    fn watched(body: Body, upload: &Arc<Self>) -> Body {
        if body.try_clone().is_none() {
            return Body::wrap(UploadBody::new(body, upload));
        }
        let (length, upload) = (body.length(), Arc::clone(upload));
        let factory =
            move || BoxedBody::new(UploadBody::new(body.try_clone().unwrap_or_default(), &upload));
        Body(Kind::Replayable(Box::new(Replayable::new(length, factory))))
    }

    /// Since when nothing moved; `None` while the producer on our side is what everybody waits for. Then the task of
    /// `cx` is woken when it has gone on.
    pub(crate) fn stalled_since(&self, cx: &Context<'_>) -> Option<Instant> {
        if self.starved.load(Ordering::Acquire) {
            *lock(&self.watcher) = Some(cx.waker().clone());
            if self.starved.load(Ordering::Acquire) {
                return None;
            }
        }
        Some(self.started + Duration::from_nanos(self.progress.load(Ordering::Acquire)))
    }

    /// Whether the transport has taken everything.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// What the caller's stream failed with.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }

    fn note(&self, starved: bool) {
        let elapsed = self.runtime.now().saturating_duration_since(self.started).as_nanos();
        self.progress.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Release);
        let was_starved = self.starved.swap(starved, Ordering::AcqRel);
        if was_starved
            && !starved
            && let Some(watcher) = lock(&self.watcher).take()
        {
            watcher.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body as the transport reads it.
struct UploadBody {
    body: Body,
    /// What is left of a piece that was too large to hand over at once: a transport is handed little, so that a stalled
    /// upload is noticed.
    pending: Bytes,
    upload: Arc<Upload>,
}

impl UploadBody {
    fn new(body: Body, upload: &Arc<Upload>) -> Self {
        upload.ended.store(false, Ordering::Relaxed);
        Self { body, pending: Bytes::new(), upload: Arc::clone(upload) }
    }
}

impl Drop for UploadBody {
    /// Nobody waits for the producer of a body that the transport has given up.
    fn drop(&mut self) {
        self.upload.note(false);
    }
}

impl http_body::Body for UploadBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.pending.is_empty() {
            let Self { body, upload, .. } = &mut *self;
            match upload.home.enter(|| Pin::new(body).poll_frame(cx)) {
                Poll::Pending => {
                    self.upload.note(true);
                    return Poll::Pending;
                }
                Poll::Ready(None) => {
                    self.upload.note(false);
                    self.upload.ended.store(true, Ordering::Relaxed);
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(error))) => {
                    *self.upload.failure.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(error);
                    return Poll::Ready(Some(Err(
                        BodyError::new("the caller's stream failed").into()
                    )));
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.pending = data,
                    Err(trailers) => {
                        self.upload.note(false);
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
            }
        }
        self.upload.note(false);
        let length = self.pending.len().min(CHUNK);
        let piece = self.pending.split_to(length);
        if self.is_end_stream() {
            self.upload.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pending.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        with_pending(self.body.size_hint(), &self.pending)
    }
}
