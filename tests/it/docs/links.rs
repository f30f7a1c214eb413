//! A link leads to a file of the project, or to a heading that exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{files, root, shown};

/// What a document offers, and what it asks for.
#[derive(Default)]
struct Document {
    /// Its headings, as they are named in links.
    anchors: Vec<String>,
    links: Vec<String>,
}

impl Document {
    fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading = None;
        let mut unresolved = Vec::new();
        let mut note = |link: pulldown_cmark::BrokenLink<'_>| {
            unresolved.push(link.reference.to_string());
            None
        };
        let options = Options::ENABLE_TABLES;
        for event in Parser::new_with_broken_link_callback(text, options, Some(&mut note)) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let name = heading.take().map(|text| slug(&text)).unwrap_or_default();
                    let same = document.anchors.iter().filter(|anchor| **anchor == name).count();
                    let name = if same == 0 { name } else { format!("{name}-{same}") };
                    document.anchors.push(name);
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                _ => {}
            }
        }
        document
    }
}

/// The name of a heading: lower case, words joined by `-`, without punctuation.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is wrong with a link of the document at `from`, if anything.
fn problem(documents: &BTreeMap<PathBuf, Document>, from: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => from.to_owned(),
        path => from.parent()?.join(path),
    };
    let Ok(target) = target.canonicalize() else { return Some("there is no such file".to_owned()) };
    if !target.starts_with(root().canonicalize().ok()?) {
        return Some("it leads out of the project".to_owned());
    }
    if anchor.is_empty() {
        return None;
    }
    let known = documents.get(&target).map(|document| &document.anchors);
    let found = known.is_some_and(|anchors| anchors.iter().any(|known| known == anchor));
    (!found).then(|| format!("{} has no such heading", shown(&target)))
}

#[test]
fn no_link_is_dead() {
    let documents: BTreeMap<_, _> = files(".md")
        .into_iter()
        .map(|path| {
            let document = Document::read(&fs::read_to_string(&path).unwrap());
            (path.canonicalize().unwrap(), document)
        })
        .collect();
    let mut dead = Vec::new();
    for (path, document) in &documents {
        for link in &document.links {
            if let Some(problem) = problem(&documents, path, link) {
                dead.push(format!("{}: {link}: {problem}", shown(path)));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// A check that finds nothing may look for nothing.
#[test]
fn a_dead_link_would_be_found() {
    let here = root().join("README.md").canonicalize().unwrap();
    let text = "# One `two`, three!\n[a](#one-two-three) [b](#four) [c](nowhere.md) [d](../x.md)\n\
                [e](Cargo.toml) [f](https://example.com/#x) [g](ARCHITECTURE.md#nowhere)";
    let documents = BTreeMap::from([(here.clone(), Document::read(text))]);
    let wrong =
        documents[&here].links.iter().filter(|link| problem(&documents, &here, link).is_some());
    assert_eq!(
        Vec::from_iter(wrong),
        ["#four", "nowhere.md", "../x.md", "ARCHITECTURE.md#nowhere"]
    );
}
