//! A body that somebody listens to while it is read, and that stays what it is otherwise.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::{Body, Kind};
use crate::Error;

/// Listens to one reading of a body.
pub(crate) trait Listener: Send + Sync {
    /// A piece passes.
    fn data(&mut self, data: &Bytes);

    /// It is over: at its end, in an error, or dropped before (`None`). Called once.
    fn over(&mut self, end: Option<Result<(), &Error>>);
}

/// Makes a listener for each reading: a body that is sent twice is read twice.
pub(crate) type Listening = Arc<dyn Fn() -> Box<dyn Listener> + Send + Sync>;

/// The body, and who listens.
pub(super) struct Tapped {
    body: Body,
    listening: Listening,
    /// From the first look on; `None` again when it is over.
    listener: Option<Box<dyn Listener>>,
    begun: bool,
}

impl Body {
    /// The same body, in length, end, trailers, errors and in whether it can be sent again.
    ///
    /// Where `from_start`, somebody listens now; else from when it is first read.
    pub(crate) fn tapped(self, listening: Listening, from_start: bool) -> Self {
        let listener = from_start.then(|| listening());
        Self(Kind::Tapped(Box::new(Tapped { body: self, listening, listener, begun: from_start })))
    }
}

impl Tapped {
    pub(super) const fn inner(&self) -> &Body {
        &self.body
    }

    pub(super) const fn inner_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Another reading of a copy.
    pub(super) fn with(&self, body: Body) -> Body {
        body.tapped(Arc::clone(&self.listening), false)
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !self.begun {
            self.begun = true;
            self.listener = Some((self.listening)());
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(mut listener) = self.listener.take() {
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        listener.data(data);
                    }
                    // Nobody may ask once more when the end is known.
                    if self.body.is_end_stream() {
                        listener.over(Some(Ok(())));
                    } else {
                        self.listener = Some(listener);
                    }
                }
                Some(Err(error)) => listener.over(Some(Err(error))),
                None => listener.over(Some(Ok(()))),
            }
        }
        Poll::Ready(frame)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        if let Some(mut listener) = self.listener.take() {
            // One whose end was known is not dropped too early.
            listener.over(self.body.is_end_stream().then_some(Ok(())));
        }
    }
}

#[cfg(test)]
mod tests;
