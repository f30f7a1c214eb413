//! [`UrlSetting`].

use std::fmt;

use super::Leaf;
use crate::config::node::Node;
use crate::redact;

/// A URL, a host or a domain, as it was given; `Debug` shows neither userinfo nor query.
///
/// It is parsed by whoever uses it: the client, a transport, a provider of credentials.
///
/// # Examples
///
/// ```
/// use midil_http_core::UrlSetting;
///
/// let url = UrlSetting::from("https://ada:hunter2@api.example.com/v1");
/// assert_eq!(format!("{url:?}"), "\"https://api.example.com/v1\"");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UrlSetting(String);

impl UrlSetting {
    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without what may be secret.
    pub(crate) fn shown(&self) -> String {
        redact::url_text(&self.0)
    }
}

impl From<&str> for UrlSetting {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for UrlSetting {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for UrlSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.shown())
    }
}

impl Leaf for UrlSetting {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn from_node(node: &Node) -> Option<Self> {
        String::from_node(node).map(Self)
    }

    /// Userinfo and query are secrets, and no URL of a configuration may have them: they are not written.
    fn to_node(&self) -> Node {
        Node::text(redact::bare_url_text(&self.0))
    }

    fn shown(node: &Node) -> String {
        super::unshown(node)
    }

    fn shown_text(text: &str) -> String {
        format!("\"{}\"", redact::url_text(text))
    }
}
