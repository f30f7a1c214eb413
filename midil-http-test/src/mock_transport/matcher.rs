//! [`Matcher`]: which requests an expectation is about.

use std::fmt;
use std::panic::Location;

use http::Method;
use midil_http_core::RequestHead;
use url::{Origin, Url};

pub(super) enum Matcher {
    Any,
    Target {
        method: Method,
        /// `None` where any server will do.
        origin: Option<Origin>,
        path: String,
        /// `None` where any query will do.
        query: Option<String>,
        /// As the test wrote it.
        text: String,
    },
    Condition {
        holds: Box<dyn Fn(&RequestHead) -> bool + Send + Sync>,
        location: &'static Location<'static>,
    },
}

impl Matcher {
    #[track_caller]
    pub(super) fn target(method: Method, text: &str) -> Self {
        // Parsed as the client parses it, so that both are escaped alike.
        let (url, origin) = if text.starts_with('/') {
            (Url::parse(&format!("http://localhost{text}")), None)
        } else {
            let url = Url::parse(text);
            let origin = url.as_ref().ok().map(Url::origin);
            (url, origin)
        };
        let url = match url {
            Ok(url) if url.has_host() => url,
            _ => panic!(
                "{text:?} is no target: give a path that begins with '/', or an absolute URL"
            ),
        };
        let (path, query) = (url.path().to_owned(), url.query().map(Into::into));
        Self::Target { method, origin, path, query, text: text.to_owned() }
    }

    pub(super) fn condition(
        holds: impl Fn(&RequestHead) -> bool + Send + Sync + 'static,
        location: &'static Location<'static>,
    ) -> Self {
        Self::Condition { holds: Box::new(holds), location }
    }

    pub(super) fn fits(&self, head: &RequestHead) -> bool {
        match self {
            Self::Any => true,
            Self::Target { method, origin, path, query, .. } => {
                head.method == *method
                    && origin.as_ref().is_none_or(|origin| head.url.origin() == *origin)
                    && head.url.path() == path
                    && query.as_ref().is_none_or(|query| head.url.query() == Some(query))
            }
            Self::Condition { holds, .. } => holds(head),
        }
    }

    /// The test itself has spoken of queries, so they may be shown.
    pub(super) const fn names_query(&self) -> bool {
        matches!(self, Self::Target { query: Some(_), .. })
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any other request"),
            Self::Target { method, text, .. } => write!(f, "{method} {text}"),
            Self::Condition { location, .. } => {
                write!(f, "a request as in `when` at {}:{}", location.file(), location.line())
            }
        }
    }
}
