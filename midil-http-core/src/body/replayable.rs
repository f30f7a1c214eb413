//! A body that a factory makes anew for each attempt.

use std::sync::Arc;

use http_body::SizeHint;

use super::boxed::BoxedBody;

/// The factory, and the stream once it is open.
pub(super) struct Replayable {
    factory: Arc<dyn Fn() -> BoxedBody + Send + Sync>,
    length: Option<u64>,
    open: Option<BoxedBody>,
}

impl Replayable {
    pub(super) fn new(
        length: Option<u64>,
        factory: impl Fn() -> BoxedBody + Send + Sync + 'static,
    ) -> Self {
        Self { factory: Arc::new(factory), length, open: None }
    }

    /// The same body, not yet open.
    pub(super) fn fresh(&self) -> Self {
        Self { factory: Arc::clone(&self.factory), length: self.length, open: None }
    }

    /// Whether this is a copy of `original` that nobody has opened.
    pub(super) fn is_fresh_of(&self, original: &Self) -> bool {
        self.open.is_none() && Arc::ptr_eq(&self.factory, &original.factory)
    }

    pub(super) fn open(&mut self) -> &mut BoxedBody {
        self.open.get_or_insert_with(|| (self.factory)())
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.open.as_ref().map_or(self.length == Some(0), BoxedBody::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match (&self.open, self.length) {
            (Some(open), _) => open.size_hint(),
            (None, Some(length)) => SizeHint::with_exact(length),
            (None, None) => SizeHint::new(),
        }
    }
}
