//! [`KeyedBy`]: what has a circuit, a limit or a bucket of its own.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use midil_http_core::RequestHead;
use url::{Position, Url};

/// Scheme, host and port of `url`, without userinfo. A parser has normalised all three.
pub(crate) fn origin_of(url: &Url) -> Cow<'_, str> {
    if !url[..Position::BeforeHost].ends_with('@') {
        // What comes before the path of a URL with a host. To ask for the end of its port would count that port's digits.
        return url[..Position::BeforePath].into();
    }
    // No client sends this: a URL with userinfo came straight to a transport.
    [&url[..Position::BeforeUsername], &url[Position::BeforeHost..Position::AfterPort]]
        .concat()
        .into()
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

    /// The key of a request.
    pub(crate) fn of<'a>(&self, head: &'a RequestHead) -> Cow<'a, str> {
        match self {
            Self::Origin => origin_of(&head.url),
            Self::Function(function) => function(head),
        }
    }

    /// The key that a caller names. Where origins are keys, any URL of a server stands for its own.
    pub(crate) fn named<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self {
            Self::Origin => match Url::parse(name) {
                Ok(url) => origin_of(&url).into_owned().into(),
                Err(_) => name.into(),
            },
            Self::Function(_) => name.into(),
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
            ("https://user@api.example.com/", "https://api.example.com"),
            ("https://:secret@api.example.com/@", "https://api.example.com"),
            ("http://[::1]:80/", "http://[::1]"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(origin_of(&Url::parse(url).unwrap()), origin);
        }
    }

    #[test]
    fn a_url_stands_for_its_origin_where_origins_are_keys() {
        let url = "https://api.example.com/v1";
        assert_eq!(KeyedBy::Origin.named(url), "https://api.example.com");
        assert_eq!(KeyedBy::function(|_| "any".into()).named(url), url);
        assert_eq!(KeyedBy::Origin.named("no url"), "no url");
    }
}
