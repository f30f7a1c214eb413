//! Settings as they are written: what is set, by its place; and the check of what code has set.

use super::leaf::{Leaf, Rule};
use super::node::Node;
use super::section::{Section, Visitor};
use crate::{BuildError, Error};

/// What is set in `section`, as a table. Secrets are not in it.
pub(super) fn write<S: Section>(section: &S) -> Node {
    let mut writer = Writer(Vec::new());
    // A writer refuses nothing, and sets nothing.
    let _ = section.clone().visit(&mut writer);
    Node::Table(writer.0)
}

/// The names of what is set in `section` itself, tables among them.
pub(super) fn keys<S: Section>(section: &S) -> Vec<String> {
    match write(section) {
        Node::Table(entries) => entries.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

struct Writer(Vec<(String, Node)>);

impl Visitor for Writer {
    fn leaf<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        _: Rule<T>,
    ) -> Result<(), Error> {
        self.0.extend(slot.as_ref().map(|value| (key.to_owned(), value.to_node())));
        Ok(())
    }

    /// It is written where it belongs.
    fn alias<T: Leaf>(
        &mut self,
        _: &'static str,
        _: &mut Option<T>,
        _: Rule<T>,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn section<S: Section>(&mut self, key: &'static str, section: &mut S) -> Result<(), Error> {
        if *section != S::default() {
            self.0.push((key.to_owned(), write(section)));
        }
        Ok(())
    }
}

/// Checks each value, whoever set it.
pub(super) fn check<S: Section>(section: &S) -> Result<(), Error> {
    section.clone().visit(&mut Checker { path: String::new() })
}

struct Checker {
    path: String,
}

impl Visitor for Checker {
    fn leaf<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        rule: Rule<T>,
    ) -> Result<(), Error> {
        match slot.as_ref().and_then(rule.problem) {
            Some(problem) => Err(BuildError::new(format!("{}{key}", self.path), problem).into()),
            None => Ok(()),
        }
    }

    fn section<S: Section>(&mut self, key: &'static str, section: &mut S) -> Result<(), Error> {
        section.visit(&mut Self { path: format!("{}{key}.", self.path) })
    }
}
