//! The page for those who come from the Python module is complete and true: it has every heading with its test and every name
//! with its counterpart, and what it calls ours is.

mod names;
mod python;
mod table;

use std::collections::BTreeSet;
use std::fs;

use self::names::Names;
use self::python::{CHAPTERS, PYTHON};
use self::table::{Row, rows};
use crate::docs::{files, root, shown};

/// The rows of the page.
fn page() -> Vec<Row> {
    rows(&fs::read_to_string(root().join("docs/coming-from/python.md")).unwrap())
}

/// The tests of the chapters: `chapter::heading`.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files(".rs") {
        let name = shown(&path);
        let chapter =
            name.strip_prefix("tests/it/reference/").and_then(|name| name.split_once('.'));
        let Some((chapter, "rs")) = chapter.filter(|(chapter, _)| !chapter.starts_with("page"))
        else {
            continue;
        };
        let source = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = source.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[test]") {
            let name = pair[1].strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            found.insert(format!("{chapter}::{}", name.expect("a test is a function")));
        }
    }
    found
}

/// A heading as the name of a test.
fn snake(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[test]
fn every_heading_has_a_row_and_a_test_and_no_test_has_none() {
    let page = page();
    let rows: Vec<_> = page.iter().filter(|row| row.section == "Heading by heading").collect();
    let listed: Vec<_> = rows.iter().map(|row| &*row.cells[0].text).collect();
    let headings: Vec<_> = CHAPTERS.iter().flat_map(|(_, headings)| *headings).copied().collect();
    assert_eq!(listed, headings);

    let expected = CHAPTERS.iter().flat_map(|(chapter, headings)| {
        headings.iter().map(|heading| format!("{}::{}", snake(chapter), snake(heading)))
    });
    let expected: Vec<_> = expected.collect();
    let named: Vec<_> = rows.iter().map(|row| row.cells[2].code.join(" ")).collect();
    assert_eq!(named, expected);
    assert_eq!(tests(), expected.into_iter().collect());
}

#[test]
fn every_python_name_has_a_row() {
    let page = page();
    let sections: BTreeSet<_> =
        page.iter().filter(|row| row.is_of_python()).map(|row| &*row.section).collect();
    assert_eq!(sections, PYTHON.iter().map(|(section, _)| *section).collect());
    for (section, names) in PYTHON {
        let rows = page.iter().filter(|row| row.section == *section);
        let listed: Vec<_> = rows.map(|row| row.cells[0].code.join(" ")).collect();
        assert_eq!(listed, *names, "{section}");
    }
}

#[test]
fn every_counterpart_exists() {
    let names = Names::read();
    let mut wrong = Vec::new();
    for row in page() {
        let Some(here) = row.here() else { continue };
        assert!(!here.text.is_empty(), "{:?} has no counterpart", row.cells[0].text);
        for code in &here.code {
            let unknown = names.unknown(code);
            wrong.extend(unknown.map(|word| format!("{}: `{code}`: {word}", row.cells[0].text)));
        }
    }
    assert!(wrong.is_empty(), "these are not ours:\n{}", wrong.join("\n"));
}

/// A check that finds nothing may look for nothing.
#[test]
fn a_name_that_is_not_ours_would_be_found() {
    let names = Names::read();
    for (code, wrong) in [
        ("HttpClient", None),
        (".send()", None),
        ("Error::Status(…)", None),
        ("MockTransport::sequence(…)", None),
        ("HttpClent", Some("HttpClent")),
        (".sned()", Some("sned")),
        ("Error::Stat(…)", Some("Stat")),
        ("HttpClient::bilder(…)", Some("bilder")),
        ("FaultSever", Some("FaultSever")),
    ] {
        assert_eq!(names.unknown(code).as_deref(), wrong, "{code}");
    }
}
