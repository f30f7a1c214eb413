//! What the facade and the crate for tests offer, by name.

use std::collections::BTreeSet;
use std::fs;

use crate::docs::{files, root, shown};
use crate::support::reexported;

/// What is named beside our own.
const FOREIGN: [&str; 7] =
    ["Duration", "Url", "Result", "Debug", "tracing", "midil_http", "midil_http_test"];

#[derive(Default)]
pub(super) struct Names {
    /// Types, traits and functions that a user can name.
    exported: BTreeSet<String>,
    variants: BTreeSet<String>,
    /// Methods, functions and fields.
    members: BTreeSet<String>,
    features: BTreeSet<String>,
}

impl Names {
    /// Those of the sources.
    pub(super) fn read() -> Self {
        let mut names = Self::default();
        for path in
            ["src/lib.rs", "midil-http-test/src/lib.rs", "midil-http-test/src/fault_server/mod.rs"]
        {
            names.exported.extend(reexported(&fs::read_to_string(root().join(path)).unwrap()));
        }
        for path in files(".rs") {
            let name = shown(&path);
            let of_a_crate = name.starts_with("src/")
                || (name.starts_with("midil-") && name.split('/').nth(1) == Some("src"));
            if of_a_crate && !name.ends_with("tests.rs") && !name.contains("/tests/") {
                names.declared(&fs::read_to_string(&path).unwrap());
            }
        }
        let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
        let features =
            manifest.split("[features]\n").nth(1).and_then(|rest| rest.split("\n[").next());
        let features = features.expect("the facade has features").lines();
        let features =
            features.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim());
        names.features = features.map(str::to_owned).collect();
        names
    }

    /// Notes what a source makes public.
    fn declared(&mut self, source: &str) {
        let (mut is_trait, mut is_enum) = (false, false);
        for line in source.lines() {
            match line {
                "}" => (is_trait, is_enum) = (false, false),
                line if line.starts_with("pub trait ") => is_trait = true,
                line if line.starts_with("pub enum ") => is_enum = true,
                _ => {}
            }
            let code = line.trim_start();
            let first = |text: &str| {
                let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                text[..end.unwrap_or(text.len())].to_owned()
            };
            let public = code.strip_prefix("pub ");
            if let Some((before, rest)) = code.split_once("fn ")
                && (before.is_empty() || before.ends_with(' '))
                && (public.is_some() || is_trait)
            {
                self.members.insert(first(rest));
            } else if let Some((field, _)) = public.and_then(|public| public.split_once(": ")) {
                self.members.insert(first(field));
            } else if is_enum && line.starts_with("    ") && code.starts_with(char::is_uppercase) {
                self.variants.insert(first(code));
            }
        }
    }

    /// The first word of `code` that nobody knows.
    pub(super) fn unknown(&self, code: &str) -> Option<String> {
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut rest = code;
        while let Some(start) = rest.find(is_of_word) {
            let before = &rest[..start];
            let end = rest[start..].find(|c| !is_of_word(c)).map_or(rest.len(), |end| start + end);
            let word = &rest[start..end];
            rest = &rest[end..];
            let known = if before.ends_with("::") && word.starts_with(char::is_uppercase) {
                self.variants.contains(word)
            } else if before.ends_with("::") || before.ends_with('.') {
                self.members.contains(word)
            } else {
                let is_member = word.starts_with(char::is_lowercase) && self.members.contains(word);
                self.exported.contains(word) || is_member || self.features.contains(word)
            };
            if !known && !FOREIGN.contains(&word) {
                return Some(word.to_owned());
            }
        }
        None
    }
}
