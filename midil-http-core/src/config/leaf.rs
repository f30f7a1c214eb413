//! [`Leaf`]: what one setting can be, in a variable and in a file; [`Rule`]: which of that is allowed.

mod duration;
mod lists;
mod rules;
mod secret;
mod url;

use std::net::IpAddr;
use std::path::PathBuf;

pub use lists::PairsSetting;
pub use secret::SecretSetting;
pub use url::UrlSetting;

pub(super) use rules::{
    Rule, any, count, factor, finite, flag, length, paths, positive_count, positive_length, proxy,
    secret, statuses, text, texts, visible, word,
};

use super::node::Node;

/// A value of a setting.
pub(crate) trait Leaf: Sized + Clone {
    /// What is allowed in files beside what is allowed everywhere.
    const IN_FILES: &'static str = "";

    /// The value that a variable has; white space around it is gone already.
    fn from_text(text: &str) -> Option<Self>;

    /// The value that a file has.
    fn from_node(node: &Node) -> Option<Self>;

    /// What is written for it.
    fn to_node(&self) -> Node;

    /// What an error says of a value in a file that cannot be.
    fn shown(node: &Node) -> String {
        node.to_string()
    }

    /// What an error says of a variable's value that cannot be.
    fn shown_text(text: &str) -> String {
        format!("{text:?}")
    }

    /// Where a variable with `_FILE` at its end names a file that has the value.
    fn from_file(_: &str) -> Option<Self> {
        None
    }

    /// Whether it is a secret, which may also be in a file of its own.
    const IS_SECRET: bool = false;
}

/// Whole numbers.
macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Leaf for $type {
            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn from_node(node: &Node) -> Option<Self> {
                match node {
                    Node::Whole(number) => (*number).try_into().ok(),
                    _ => None,
                }
            }

            fn to_node(&self) -> Node {
                i128::try_from(*self).map_or(Node::Nothing, Node::Whole)
            }
        }
    )*};
}

whole!(u16 u32 u64 usize);

impl Leaf for f64 {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_node(node: &Node) -> Option<Self> {
        node.number()
    }

    fn to_node(&self) -> Node {
        Node::Number(*self)
    }
}

impl Leaf for bool {
    fn from_text(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    fn from_node(node: &Node) -> Option<Self> {
        match node {
            Node::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn to_node(&self) -> Node {
        Node::Bool(*self)
    }
}

impl Leaf for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn from_node(node: &Node) -> Option<Self> {
        match node {
            Node::Text(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    }

    fn to_node(&self) -> Node {
        Node::text(self.as_str())
    }

    /// A secret may have come to the wrong place.
    fn shown(node: &Node) -> String {
        unshown(node)
    }

    fn shown_text(_: &str) -> String {
        UNSHOWN.to_owned()
    }
}

/// What is said of a text that may be a secret.
const UNSHOWN: &str = "not what it should be";

/// What kind of value it is, and no more.
fn unshown(node: &Node) -> String {
    match node {
        Node::Text(_) => "a text".to_owned(),
        Node::Whole(_) | Node::Number(_) => "a number".to_owned(),
        Node::Bool(_) => "true or false".to_owned(),
        Node::Nothing | Node::List(_) | Node::Table(_) => node.to_string(),
    }
}

impl Leaf for PathBuf {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn from_node(node: &Node) -> Option<Self> {
        String::from_node(node).map(Into::into)
    }

    fn to_node(&self) -> Node {
        Node::text(self.to_string_lossy())
    }
}

impl Leaf for IpAddr {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_node(node: &Node) -> Option<Self> {
        String::from_node(node)?.parse().ok()
    }

    fn to_node(&self) -> Node {
        Node::text(self.to_string())
    }
}
