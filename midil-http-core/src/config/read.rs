//! Settings from a file.

use super::closest::closest;
use super::leaf::{Leaf, Rule};
use super::node::Node;
use super::section::{Section, Visitor};
use crate::{BuildError, Error};

/// Sets `section`, in which nothing is set yet, from the table at `path`, which is empty for the whole file.
pub(super) fn read<S: Section>(path: &str, node: Node, section: &mut S) -> Result<(), Error> {
    let entries = match node {
        Node::Nothing => return Ok(()),
        Node::Table(entries) => entries,
        other => {
            let name = if path.is_empty() { "the configuration" } else { path };
            // It may be a secret: nothing of it is shown.
            let kind = match other {
                Node::List(_) => "a list",
                _ => "a single value",
            };
            let problem = format!("is {kind}: give a table of settings");
            return Err(BuildError::new(name, problem).into());
        }
    };
    let mut reader = Reader { path, entries, known: Vec::new() };
    section.visit(&mut reader)?;
    match reader.entries.first() {
        None => Ok(()),
        Some((key, _)) => Err(reader.unknown(key).into()),
    }
}

struct Reader<'a> {
    path: &'a str,
    /// What was not read yet.
    entries: Vec<(String, Node)>,
    known: Vec<&'static str>,
}

impl Reader<'_> {
    fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.entries.iter().position(|(given, _)| given == key)?;
        Some(self.entries.swap_remove(at).1).filter(|node| *node != Node::Nothing)
    }

    fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn unknown(&self, key: &str) -> BuildError {
        let known: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
        let hint = closest(key, self.known.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean `{}`?", self.path(near)));
        let problem = format!("expected one of {}{hint}", known.join(", "));
        BuildError::new(format!("unknown field `{}`,", self.path(key)), problem)
    }
}

impl Visitor for Reader<'_> {
    fn leaf<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        rule: Rule<T>,
    ) -> Result<(), Error> {
        let Some(node) = self.take(key) else { return Ok(()) };
        let wrong = |problem: String| Err(BuildError::new(self.path(key), problem).into());
        if slot.is_some() {
            return wrong("is set by its short name as well: set it once".to_owned());
        }
        let Some(value) = T::from_node(&node) else {
            return wrong(format!("is {}: give {}{}", T::shown(&node), rule.allowed, T::IN_FILES));
        };
        if let Some(problem) = (rule.problem)(&value) {
            return wrong(problem);
        }
        *slot = Some(value);
        Ok(())
    }

    /// Tables are read in the order of the settings, so their short names come first.
    fn section<S: Section>(&mut self, key: &'static str, section: &mut S) -> Result<(), Error> {
        match self.take(key) {
            Some(node) => read(&self.path(key), node, section),
            None => Ok(()),
        }
    }
}
