//! Several of a kind: lists and tables in files, text with commas in variables.

use std::collections::BTreeMap;
use std::fmt;

use super::Leaf;
use crate::config::node::Node;

/// The parts of `a, b,c`; empty ones do not count.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// One value counts as a list of one.
impl<T: Leaf> Leaf for Vec<T> {
    fn from_text(text: &str) -> Option<Self> {
        parts(text).map(T::from_text).collect()
    }

    fn from_node(node: &Node) -> Option<Self> {
        match node {
            Node::List(nodes) => nodes.iter().map(T::from_node).collect(),
            one => T::from_node(one).map(|one| vec![one]),
        }
    }

    fn to_node(&self) -> Node {
        Node::List(self.iter().map(T::to_node).collect())
    }

    fn shown(node: &Node) -> String {
        match node {
            Node::List(nodes) => match nodes.iter().find(|node| T::from_node(node).is_none()) {
                Some(wrong) => format!("a list with {}", T::shown(wrong)),
                None => node.to_string(),
            },
            one => T::shown(one),
        }
    }

    fn shown_text(text: &str) -> String {
        T::shown_text(text)
    }
}

/// Pairs of names and texts; `Debug` shows the names alone.
///
/// # Examples
///
/// ```
/// use midil_http_core::AuthConfig;
///
/// let auth = AuthConfig::client_credentials().parameters([("tenant", "17")]);
/// let pairs = auth.parameters.expect("they are set");
/// assert_eq!(pairs.iter().collect::<Vec<_>>(), [("tenant", "17")]);
/// assert_eq!(format!("{pairs:?}"), "{\"tenant\"}");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PairsSetting(BTreeMap<String, String>);

impl PairsSetting {
    /// The pairs, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for PairsSetting {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for PairsSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Leaf for PairsSetting {
    fn from_text(text: &str) -> Option<Self> {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=')?;
            Some((key.trim().to_owned(), value.trim().to_owned()))
        };
        parts(text).map(pair).collect()
    }

    fn from_node(node: &Node) -> Option<Self> {
        let Node::Table(entries) = node else { return None };
        entries.iter().map(|(key, value)| Some((key.clone(), String::from_node(value)?))).collect()
    }

    fn to_node(&self) -> Node {
        let entry = |(key, value): (&str, &str)| (key.to_owned(), Node::text(value));
        Node::Table(self.iter().map(entry).collect())
    }

    fn shown(node: &Node) -> String {
        super::unshown(node)
    }

    fn shown_text(_: &str) -> String {
        super::UNSHOWN.to_owned()
    }
}
