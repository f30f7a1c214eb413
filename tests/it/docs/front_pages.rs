//! The front page of each crate stands alone: it says what the crate is, shows it at work, and lists what can be switched on.

use std::fs;
use std::path::Path;

use super::root;

/// All crates that are published, by their folders.
const CRATES: [&str; 9] = [
    ".",
    "midil-auth",
    "midil-http-core",
    "midil-http-hyper",
    "midil-http-isahc",
    "midil-http-otel",
    "midil-http-reqwest",
    "midil-http-test",
    "midil-retry",
];

/// The features of a manifest, but for `default`.
fn features(manifest: &str) -> Vec<&str> {
    let section = manifest.split_once("\n[features]\n").map_or("", |(_, rest)| rest);
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let keys = lines.filter(|line| !line.starts_with([' ', '#', ']']));
    let names = keys.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim());
    names.filter(|name| *name != "default").collect()
}

/// What a front page lacks.
fn lacking(folder: &Path) -> Vec<String> {
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let mut lacking = Vec::new();
    for part in ["```rust", "minimum Rust version is 1.88", "under either of Apache-2.0 or MIT"] {
        if !page.contains(part) {
            lacking.push(part.to_owned());
        }
    }
    let not_named = |feature: &&str| !page.contains(&format!("`{feature}`"));
    lacking.extend(features(&manifest).into_iter().filter(not_named).map(str::to_owned));
    // A front page is also read where the other files are not.
    let is_relative =
        |link: &&str| !link.starts_with('#') && !link.starts_with("http") && folder != root();
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    lacking.extend(links.filter(is_relative).map(|link| format!("{link} leads nowhere there")));
    lacking
}

#[test]
fn each_crate_has_a_front_page_that_stands_alone() {
    for name in CRATES {
        let folder = if name == "." { root().to_owned() } else { root().join(name) };
        assert_eq!(lacking(&folder), Vec::<String>::new(), "{name}/README.md");
    }
}

/// A check that finds nothing may look for nothing.
#[test]
fn features_are_found() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let features = features(&manifest);
    assert!(features.contains(&"reqwest") && features.contains(&"full") && features.len() > 10);
}
