//! [`Pages`]: a stream of pages.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use futures_util::stream;
use sync_wrapper::SyncWrapper;

use super::background::Ahead;
use super::walk::{Step, Upcoming, Walk};
use super::{Page, PageCursor};
use crate::{Error, Runtime};

/// A stream of pages: see [`Paginate::pages`](crate::Paginate::pages). After an error it is over.
pub struct Pages {
    steps: SyncWrapper<BoxStream<'static, Result<Step, Error>>>,
    position: Option<PageCursor>,
}

impl Pages {
    pub(super) fn new(walk: Walk, ahead: Option<Arc<dyn Runtime>>) -> Self {
        let position = match &walk.upcoming {
            Upcoming::Page(cursor) => Some(cursor.clone()),
            _ => None,
        };
        let steps = stream::unfold(walk, |mut walk| async move {
            let step = walk.step().await?;
            Some((step, walk))
        });
        let steps = match ahead {
            Some(runtime) => Ahead::new(steps.boxed(), runtime).boxed(),
            None => steps.map(Ok).boxed(),
        };
        Self { steps: SyncWrapper::new(steps), position }
    }

    /// Nothing but an error.
    pub(super) fn failed(error: Error) -> Self {
        let steps = stream::iter([Err(error)]).boxed();
        Self { steps: SyncWrapper::new(steps), position: None }
    }

    /// Says that the page there could not be had after all.
    pub(super) fn stay_at(&mut self, cursor: PageCursor) {
        self.position = Some(cursor);
    }

    /// Where the page is that comes next, or that could not be had; `None` when all were had. [`Paginate::resume`] goes on
    /// there.
    ///
    /// Where a page did not tell what comes next, it is that page once more, with all items [skipped](PageCursor::skip).
    ///
    /// [`Paginate::resume`]: crate::Paginate::resume
    #[must_use]
    pub const fn cursor(&self) -> Option<&PageCursor> {
        self.position.as_ref()
    }
}

impl Stream for Pages {
    type Item = Result<Page, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let step = ready!(self.steps.get_mut().poll_next_unpin(cx));
        let result = match step {
            Some(Ok(Step { result, position })) => {
                self.position = position;
                Some(result)
            }
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        if !matches!(result, Some(Ok(_))) {
            // It is over, and what is no longer needed is let go of at once.
            self.steps = SyncWrapper::new(stream::empty().boxed());
        }
        Poll::Ready(result)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("cursor", &self.position).finish_non_exhaustive()
    }
}
