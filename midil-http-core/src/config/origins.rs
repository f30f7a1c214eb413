//! [`Origins`]: which variable a setting came from, so that whoever finds it wrong later can say so.

use std::fmt;

use super::node::Node;
use super::settings::{Settings, place};
use super::write::write;
use crate::Error;

/// The settings that came from the environment.
///
/// They are no part of what a configuration says: two with the same settings are equal, wherever these came from.
#[derive(Clone, Default)]
pub(super) struct Origins(Vec<Origin>);

#[derive(Clone)]
struct Origin {
    /// The path of the setting, by its place in the tables.
    place: String,
    variable: String,
    /// What the variable said: what is set later by code came from there no more.
    value: Node,
}

impl Origins {
    pub(super) fn note(&mut self, name: &str, variable: String, value: Node) {
        self.0.push(Origin { place: place(name).to_owned(), variable, value });
    }

    /// These, and what `lower` has beside them.
    pub(super) fn over(mut self, lower: Self) -> Self {
        self.0.extend(lower.0);
        self
    }
}

impl Settings {
    /// The error, with the variable that its setting came from.
    pub(super) fn locate(&self, error: Error) -> Error {
        let Error::Build(error) = error else { return error };
        // What follows may be the file that a setting names.
        let name = error.setting().split([':', ' ']).next().unwrap_or_default();
        match self.variable_of(place(name)) {
            Some(variable) => error.set_by(variable).into(),
            None => error.into(),
        }
    }

    /// The variable that the setting at `place` came from.
    pub(super) fn variable_of(&self, place: &str) -> Option<&str> {
        let origin = self.origins.0.iter().find(|origin| origin.place == place)?;
        let is_still_so = at(&write(self), place).is_some_and(|value| *value == origin.value);
        is_still_so.then_some(&*origin.variable)
    }
}

/// The value at that path.
fn at<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').try_fold(node, |node, key| match node {
        Node::Table(entries) => {
            entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
        }
        _ => None,
    })
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|origin| &origin.variable)).finish()
    }
}
