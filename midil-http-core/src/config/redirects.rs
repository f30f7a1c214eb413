//! `[redirects]`: which are followed.

use super::leaf::{count, word};
use super::section::{kinds, section};
use crate::Redirect;

kinds! {
    /// Which redirects are followed.
    RedirectsKind, "\"allowed\", \"any\" or \"none\"" => {
        /// Those to the same and to allowed origins.
        Allowed = "allowed": [] ["limit"];
        /// Those to any origin.
        Any = "any": [] ["limit"];
        /// None: a 3xx is a response like any other.
        None = "none": [] [];
    }
}

section! {
    /// `[redirects]` of an [`HttpConfig`](crate::HttpConfig): which are followed, and how many.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{HttpConfig, Redirect, RedirectsConfig, RedirectsKind};
    ///
    /// let redirects = RedirectsConfig::new().kind(RedirectsKind::Any).limit(3);
    /// let config = HttpConfig::builder().redirects(redirects).build()?;
    /// assert_eq!(config.redirects().policy(), Redirect::limit(3).to_any_origin());
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    RedirectsConfig by tagged {
        /// Which (`type`): `allowed`.
        kind: plain RedirectsKind, word(RedirectsKind::ALLOWED);
        /// How many in a row: 10.
        limit: plain u32, count();
    }
}

impl RedirectsConfig {
    /// What a client is told.
    #[must_use]
    pub fn policy(&self) -> Redirect {
        let limited = self.limit.map_or_else(Redirect::new, Redirect::limit);
        match self.kind {
            Some(RedirectsKind::None) => Redirect::none(),
            Some(RedirectsKind::Any) => limited.to_any_origin(),
            Some(RedirectsKind::Allowed) | None => limited,
        }
    }
}
