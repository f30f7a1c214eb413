//! What is public is shown in use: each exported name and each method has an example, or is named by one or beside one.

use std::collections::BTreeSet;
use std::fs;

use super::{files, shown};
use crate::support::reexported;

/// Not shown by their names, and why not.
const UNNAMED: &[(&str, &[&str])] = &[];

/// Methods and functions that no example calls, and why not.
const UNCALLED: &[(&str, &[&str])] = &[];

/// The crates whose names are looked for.
const CRATES: [&str; 8] = [
    "midil-http-core",
    "midil-retry",
    "midil-auth",
    "midil-http-reqwest",
    "midil-http-hyper",
    "midil-http-isahc",
    "midil-http-otel",
    "midil-http-test",
];

/// The text of all that shows code: examples, documents with code, documentation with code and the item that has it.
fn shown_with_code() -> String {
    let mut text = String::new();
    for path in files(".md") {
        let document = fs::read_to_string(&path).unwrap();
        if document.contains("```rust") {
            text.push_str(&document);
        }
    }
    for path in files(".rs") {
        let source = fs::read_to_string(&path).unwrap();
        if shown(&path).starts_with("examples") {
            text.push_str(&source);
        } else {
            documented(&source, &mut text);
        }
    }
    text
}

/// Documentation that has code, each with the first line of what it stands at.
fn documented(source: &str, text: &mut String) {
    let mut docs = String::new();
    for line in source.lines().map(str::trim_start) {
        if let Some(doc) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) {
            docs.push_str(doc);
            docs.push('\n');
        } else if !line.starts_with("#[") {
            if docs.contains("```") {
                text.push_str(&docs);
                text.push_str(line);
                text.push('\n');
            }
            docs.clear();
        }
    }
}

#[test]
fn every_public_name_is_shown_in_use() {
    let text = shown_with_code();
    let words: BTreeSet<_> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let mut unseen = Vec::new();
    for name in CRATES {
        let path = super::root().join(name).join("src/lib.rs");
        for item in reexported(&fs::read_to_string(path).unwrap()) {
            let excused = UNNAMED.iter().any(|(_, names)| names.contains(&&*item));
            if !words.contains(&*item) && !excused {
                unseen.push(format!("{name}: {item}"));
            }
        }
    }
    assert!(unseen.is_empty(), "no example has\n{}", unseen.join("\n"));
}

/// What `text` calls (`name(`, `name::<`), or names as code (`` `Type::name` ``, `` `name()` ``) or as a link's end (`::name)`).
fn called(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    while let Some(begin) = rest.find(is_part) {
        let before = &rest[..begin];
        let word = &rest[begin..];
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_called = after.starts_with('(') || after.starts_with("::<");
        let is_code = after.starts_with('`');
        let is_linked = before.ends_with("::") && after.starts_with(')');
        if is_called || is_code || is_linked {
            found.insert(word);
        }
        rest = after;
    }
    found
}

/// The public methods and functions of a source file, but for those of its tests and of what a macro makes.
fn functions(source: &str) -> impl Iterator<Item = &str> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    source.lines().filter_map(|line| {
        let line = line.trim_start().strip_prefix("pub ")?;
        let line = line.strip_prefix("const ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let name = line.strip_prefix("fn ")?.split(['(', '<']).next()?;
        (!name.starts_with('$')).then_some(name)
    })
}

/// What is `pub` and cannot be reached is a warning of the compiler's, so all of it is public.
#[test]
fn every_method_is_shown_in_use() {
    let text = shown_with_code();
    let called = called(&text);
    let mut unseen = Vec::new();
    let mut count = 0;
    for path in files(".rs") {
        let name = shown(&path);
        let is_ours = CRATES.iter().any(|one| name.starts_with(&format!("{one}/src/")));
        if !is_ours || name.contains("/tests") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for function in functions(&source) {
            let excused = UNCALLED.iter().any(|(_, names)| names.contains(&function));
            count += 1;
            if !called.contains(function) && !excused {
                unseen.push(format!("{name}: {function}"));
            }
        }
    }
    assert!(count > 500, "{count} functions were found: the search is broken");
    assert!(unseen.is_empty(), "no example has\n{}", unseen.join("\n"));
}

/// A check that finds nothing may look for nothing.
#[test]
fn what_nobody_shows_would_be_found() {
    let source = "impl A {\n    pub const fn one(self) {}\n    pub async fn two<T>() {}\n    pub(crate) fn three() {}\n}";
    assert_eq!(Vec::from_iter(functions(source)), ["one", "two"]);
    let text = "/// `a.one()`, [b](Self::two), `C::three`; four, five\nsix::<u8>(seven(8))";
    assert_eq!(Vec::from_iter(called(text)), ["one", "seven", "six", "three", "two"]);
}
