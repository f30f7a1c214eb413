//! [`Walk`]: from page to page.

use std::sync::{Arc, OnceLock};

use super::pointer::{self, ItemsAt};
use super::seen::Seen;
use super::template::Template;
use super::{Page, PageCursor, PageStrategy};
use crate::{Error, PageError};

/// A page or what there is instead, and where the stream stands then.
pub(super) struct Step {
    pub(super) result: Result<Page, Error>,
    /// What would be asked for next; `None` when all pages were.
    pub(super) position: Option<PageCursor>,
}

/// Asks for one page after the other.
pub(super) struct Walk {
    pub(super) template: Template,
    pub(super) strategy: Arc<dyn PageStrategy>,
    pub(super) items_at: Arc<ItemsAt>,
    pub(super) pages_left: Option<u64>,
    /// How many items are still wanted; `None` where nobody counts.
    pub(super) items_left: Option<u64>,
    pub(super) number: u64,
    /// `None` where circles are not looked for.
    pub(super) seen: Option<Seen>,
    pub(super) upcoming: Upcoming,
}

/// What comes next.
pub(super) enum Upcoming {
    Page(PageCursor),
    /// This error, and where the stream stands then.
    Problem(Error, PageCursor),
    Nothing,
}

impl Walk {
    /// The next page; `None` when there is none, or no more are wanted.
    pub(super) async fn step(&mut self) -> Option<Step> {
        if self.pages_left == Some(0) || self.items_left == Some(0) {
            return None;
        }
        let cursor = match std::mem::replace(&mut self.upcoming, Upcoming::Nothing) {
            Upcoming::Nothing => return None,
            Upcoming::Problem(error, position) => {
                return Some(Step { result: Err(error), position: Some(position) });
            }
            Upcoming::Page(cursor) => cursor,
        };
        self.pages_left = self.pages_left.map(|left| left.saturating_sub(1));
        let mut page = match self.fetch(&cursor).await {
            Ok(page) => page,
            Err(error) => return Some(Step { result: Err(error), position: Some(cursor) }),
        };
        self.count_items(&page);
        let next = self.strategy.next(&page).map(|next| next.map(|next| next.resolved(page.url())));
        let position = match next {
            Ok(None) => None,
            Ok(Some(next)) => {
                page.next = Some(next.clone());
                self.upcoming = Upcoming::Page(next.clone());
                Some(next)
            }
            Err(error) => {
                // Whoever goes on here asks for this page again, of which all items were had.
                let position = cursor.with_skip(u64::MAX);
                self.upcoming = Upcoming::Problem(error, position.clone());
                Some(position)
            }
        };
        Some(Step { result: Ok(page), position })
    }

    /// Counts here what [`PageItems`](super::PageItems) hands out, so that no page is fetched ahead which nobody wants. A page
    /// whose items cannot be found is the last.
    fn count_items(&mut self, page: &Page) {
        if let Some(left) = &mut self.items_left {
            let items = page.item_count().map_or(u64::MAX, |items| {
                u64::try_from(items).unwrap_or(u64::MAX).saturating_sub(page.cursor.skip())
            });
            *left = left.saturating_sub(items);
        }
    }

    async fn fetch(&mut self, cursor: &PageCursor) -> Result<Page, Error> {
        pointer::check(&self.items_at.pointer)?;
        let request = self.template.request(cursor, &*self.strategy)?;
        if let Some(seen) = &mut self.seen {
            let noted = seen.note(&request, cursor);
            noted.map_err(|before| PageError::circle(request.url(), self.number + 1, before))?;
        }
        let requested = request.url().clone();
        let response = self.template.client.execute(request).await?;
        if !response.status().is_success() {
            return Err(response.into_status_error().await.into());
        }
        let (status, url) = (response.status(), response.url().clone());
        let headers = response.headers().clone();
        let body = response.bytes().await?;
        self.number += 1;
        Ok(Page {
            number: self.number,
            status,
            headers,
            url,
            requested,
            body,
            value: OnceLock::new(),
            items_at: Arc::clone(&self.items_at),
            cursor: cursor.clone(),
            next: None,
        })
    }
}
