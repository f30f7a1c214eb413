//! What is public is shown in use: each exported name has an example, or is named by one or beside one.

use std::collections::BTreeSet;
use std::fs;

use super::{files, shown};
use crate::support::reexported;

/// Not shown by their names, and why not.
const UNNAMED: &[(&str, &[&str])] = &[];

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
    let crates = [
        "midil-http-core",
        "midil-retry",
        "midil-auth",
        "midil-http-reqwest",
        "midil-http-hyper",
        "midil-http-isahc",
        "midil-http-otel",
    ];
    let mut unseen = Vec::new();
    for name in crates {
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
