//! [`Shown`]: the token endpoint in messages.

use std::fmt;
use std::sync::Arc;

use url::{Position, Url};

/// The token endpoint as messages name it: without query.
#[derive(Clone)]
pub(super) struct Shown(Arc<str>);

impl Shown {
    pub(super) fn of(url: &Url) -> Self {
        Self(url[..Position::AfterPath].into())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
