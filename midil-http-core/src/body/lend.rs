//! How a [`Body`] is lent to an attempt, so that the next one can have it, too.

use std::sync::Arc;

use super::boxed::BoxedBody;
use super::once::OnceSlot;
use super::{Body, Kind};

impl Body {
    /// Makes a stream one that can be lent.
    pub(crate) fn prepare(&mut self) {
        if let Kind::Tapped(tapped) = &mut self.0 {
            return tapped.inner_mut().prepare();
        }
        if matches!(self.0, Kind::Once(_) | Kind::Watched(_)) {
            let stream = match std::mem::take(&mut self.0) {
                Kind::Once(stream) => stream,
                other => BoxedBody::new(Self(other)),
            };
            self.0 = Kind::Lent(Arc::new(OnceSlot::new(stream)));
        }
    }

    /// A copy for one attempt, which leaves the original to the next: a stream is lent, not given away.
    ///
    /// `None` for a stream that somebody has read from, or that was never [prepared](Self::prepare).
    pub(crate) fn lend(&self) -> Option<Self> {
        match &self.0 {
            Kind::Lent(slot) => slot.is_untouched().then(|| Self(Kind::Lent(Arc::clone(slot)))),
            Kind::Tapped(tapped) => tapped.inner().lend().map(|body| tapped.with(body)),
            _ => self.try_clone(),
        }
    }

    /// Whether the body can be sent from its start.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Kind::Lent(slot) => slot.is_untouched(),
            Kind::Once(_) | Kind::Watched(_) => false,
            Kind::Tapped(tapped) => tapped.inner().is_whole(),
            _ => true,
        }
    }

    /// Whether this is what `original` lends: untouched, and not something else in its place.
    pub(crate) fn is_lent_from(&self, original: &Self) -> bool {
        match (&self.0, &original.0) {
            (Kind::Empty, Kind::Empty) => true,
            (Kind::Bytes(bytes), Kind::Bytes(original)) => {
                bytes.as_ptr() == original.as_ptr() && bytes.len() == original.len()
            }
            (Kind::Replayable(body), Kind::Replayable(original)) => body.is_fresh_of(original),
            (Kind::Lent(slot), Kind::Lent(original)) => Arc::ptr_eq(slot, original),
            (_, Kind::Tapped(original)) => self.is_lent_from(original.inner()),
            (Kind::Tapped(tapped), _) => tapped.inner().is_lent_from(original),
            _ => false,
        }
    }
}
