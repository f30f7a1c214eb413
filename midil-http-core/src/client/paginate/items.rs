//! [`PageItems`]: a stream of the items of pages.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::page::wrong_item;
use super::{Page, PageCursor, Pages};
use crate::Error;

/// A stream of the items of pages, one after the other: see [`Paginate::items`](crate::Paginate::items). After an error it is
/// over.
pub struct PageItems<T> {
    pages: Pages,
    current: Option<Current>,
    left: Option<u64>,
    is_over: bool,
    item: PhantomData<fn() -> T>,
}

/// The page whose items are handed out.
struct Current {
    items: std::vec::IntoIter<Value>,
    number: u64,
    cursor: PageCursor,
    /// How many items are over.
    had: u64,
}

impl Current {
    fn new(mut page: Page) -> Result<Self, Error> {
        let mut items = page.take_items()?.into_iter();
        let had = page.cursor.skip;
        if let Some(last) = usize::try_from(had).unwrap_or(usize::MAX).checked_sub(1) {
            items.nth(last);
        }
        Ok(Self { items, number: page.number, cursor: page.cursor, had })
    }
}

impl<T> PageItems<T> {
    pub(super) const fn new(pages: Pages, left: Option<u64>) -> Self {
        Self { pages, current: None, left, is_over: false, item: PhantomData }
    }

    /// Where the item is that comes next, or that could not be had; `None` when all were had. [`Paginate::resume`] goes on
    /// there.
    ///
    /// [`Paginate::resume`]: crate::Paginate::resume
    #[must_use]
    pub fn cursor(&self) -> Option<PageCursor> {
        match &self.current {
            Some(current) => Some(current.cursor.clone().with_skip(current.had)),
            None => self.pages.cursor().cloned(),
        }
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<T, Error>>> {
        self.is_over = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl<T: DeserializeOwned> PageItems<T> {
    /// The next item of the current page. What cannot be read is not over: it is what could not be had.
    fn next_item(&mut self) -> Option<Result<T, Error>> {
        let current = self.current.as_mut()?;
        let item = current.items.next()?;
        let read = T::deserialize(item).map_err(|_| wrong_item(current.number, current.had));
        if read.is_ok() {
            current.had += 1;
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        if current.items.as_slice().is_empty() && read.is_ok() {
            self.current = None;
        }
        Some(read)
    }
}

impl<T: DeserializeOwned> Stream for PageItems<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_over || self.left == Some(0) {
                return Poll::Ready(None);
            }
            match self.next_item() {
                Some(Ok(item)) => return Poll::Ready(Some(Ok(item))),
                Some(Err(error)) => return self.end(error),
                None => self.current = None,
            }
            match ready!(Pin::new(&mut self.pages).poll_next(cx)) {
                None => self.is_over = true,
                Some(Err(error)) => return self.end(error),
                Some(Ok(page)) => {
                    let cursor = page.cursor().clone();
                    match Current::new(page) {
                        Ok(current) => self.current = Some(current),
                        Err(error) => {
                            self.pages.stay_at(cursor);
                            return self.end(error);
                        }
                    }
                }
            }
        }
    }
}

impl<T> Unpin for PageItems<T> {}

impl<T> fmt::Debug for PageItems<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageItems").field("cursor", &self.cursor()).finish_non_exhaustive()
    }
}
