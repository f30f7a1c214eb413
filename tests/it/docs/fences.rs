//! Code in documents is compiled: a document that has any is part of some crate's doc tests.

use std::fs;

use super::{files, root, shown};

/// Where documents become doc tests or docs.
fn included() -> String {
    files(".rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn all_code_in_documents_is_compiled() {
    let sources = included();
    let mut forgotten = Vec::new();
    for path in files(".md") {
        let text = fs::read_to_string(&path).unwrap();
        let has_code = text.lines().any(|line| line.trim_start().starts_with("```rust"));
        // By its path from the file that includes it, so the end of the path must do.
        let name = shown(&path);
        let short = path.strip_prefix(root()).unwrap().file_name().unwrap().to_string_lossy();
        let is_included = sources.lines().any(|line| {
            let rest = line.split_once("include_str!(\"").map(|(_, rest)| rest);
            let included = rest.and_then(|rest| rest.split('"').next());
            included.is_some_and(|included| {
                included.ends_with(&name)
                    || (name.ends_with("README.md") && included.ends_with(&*short))
            })
        });
        if has_code && !is_included {
            forgotten.push(name.clone());
        }
        let ignored = text.lines().any(|line| {
            let fence = line.trim_start();
            fence.starts_with("```rust") && fence.contains("ignore")
        });
        assert!(!ignored, "{name} has code that nobody compiles");
    }
    assert!(forgotten.is_empty(), "no doc test has the code of {forgotten:?}");
}

/// What rustdoc hides (`# `) is shown wherever else a page is read: on GitHub, on crates.io.
#[test]
fn code_of_front_pages_is_shown_as_it_is() {
    for path in files("README.md") {
        let text = fs::read_to_string(&path).unwrap();
        let mut in_code = false;
        for line in text.lines() {
            let fence = line.trim_start().strip_prefix("```");
            in_code = fence.map_or(in_code, |language| language.starts_with("rust"));
            let is_hidden = in_code && (line == "#" || line.starts_with("# "));
            assert!(!is_hidden, "{} shows a line that only rustdoc hides: {line}", shown(&path));
        }
    }
}
