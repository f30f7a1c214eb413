//! [`Key`]: what has a circuit, a limit or a bucket of its own.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use midil_http_core::RequestHead;
use url::{Position, Url};

/// A text in two parts, so that the origin of a URL need not be written down to be looked up.
///
/// An origin is its scheme (`https://`) and the rest (`api.example.com:8443`); a key of a caller's own is all rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    scheme: &'a str,
    rest: &'a str,
}

impl<'a> Key<'a> {
    /// Scheme, host and port of `url`, without userinfo. A parser has normalised all three.
    pub(crate) fn origin_of(url: &'a Url) -> Self {
        Self {
            scheme: &url[..Position::BeforeUsername],
            rest: &url[Position::BeforeHost..Position::AfterPort],
        }
    }

    pub(crate) const fn text(text: &'a str) -> Self {
        Self { scheme: "", rest: text }
    }

    pub(crate) fn hash(self, state: &impl BuildHasher) -> u64 {
        let mut hasher = state.build_hasher();
        hasher.write(self.rest.as_bytes());
        hasher.write(self.scheme.as_bytes());
        hasher.finish()
    }

    /// Whether this is what [`to_text`](Self::to_text) made `text` of.
    pub(crate) fn is(self, text: &str) -> bool {
        text.strip_prefix(self.scheme) == Some(self.rest)
    }

    pub(crate) fn to_text(self) -> Arc<str> {
        [self.scheme, self.rest].concat().into()
    }
}

/// A caller's own way from a request to its key.
type Function = dyn for<'a> Fn(&'a RequestHead) -> Cow<'a, str> + Send + Sync;

/// How requests are told apart: by their origins, or as the caller says.
#[derive(Clone, Default)]
pub(crate) enum KeyedBy {
    #[default]
    Origin,
    Function(Arc<Function>),
}

impl KeyedBy {
    pub(crate) fn function<F>(function: F) -> Self
    where
        F: for<'a> Fn(&'a RequestHead) -> Cow<'a, str> + Send + Sync + 'static,
    {
        Self::Function(Arc::new(function))
    }

    /// Calls `with` on the key of a request.
    pub(crate) fn of<T>(&self, head: &RequestHead, with: impl FnOnce(Key<'_>) -> T) -> T {
        match self {
            Self::Origin => with(Key::origin_of(&head.url)),
            Self::Function(function) => with(Key::text(&function(head))),
        }
    }

    /// Calls `with` on the key that a caller names. Where origins are keys, any URL of a server stands for its own.
    pub(crate) fn named<T>(&self, name: &str, with: impl FnOnce(Key<'_>) -> T) -> T {
        match self {
            Self::Origin => match Url::parse(name) {
                Ok(url) => with(Key::origin_of(&url)),
                Err(_) => with(Key::text(name)),
            },
            Self::Function(_) => with(Key::text(name)),
        }
    }
}

impl fmt::Debug for KeyedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "origin",
            Self::Function(_) => "function",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, origin) in [
            ("https://API.example.com:443/v1?q#f", "https://api.example.com"),
            ("https://user:secret@api.example.com:8443/", "https://api.example.com:8443"),
            ("http://[::1]:80/", "http://[::1]"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            let url = Url::parse(url).unwrap();
            let key = Key::origin_of(&url);
            assert_eq!(&*key.to_text(), origin);
            assert!(key.is(origin));
        }
        let url = Url::parse("https://api.example.com/").unwrap();
        for other in ["https://api.example.com:1", "http://api.example.com", "api.example.com", ""]
        {
            assert!(!Key::origin_of(&url).is(other), "{other}");
        }
    }

    #[test]
    fn a_url_stands_for_its_origin_where_origins_are_keys() {
        let text = |keyed: &KeyedBy, name| keyed.named(name, |key| key.to_text().to_string());
        let url = "https://api.example.com/v1";
        assert_eq!(text(&KeyedBy::Origin, url), "https://api.example.com");
        assert_eq!(text(&KeyedBy::function(|_| "any".into()), url), url);
        assert_eq!(text(&KeyedBy::Origin, "no url"), "no url");
    }
}
