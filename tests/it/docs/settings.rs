//! The guide's tables of settings have all that a configuration knows, by what it says itself; and its defaults.

use std::time::Duration;
use std::{env, fs};

use midil_http::{HttpConfig, HttpConfigBuilder};
use serde_json::{Value, json};

use super::root;

/// Where the tables are.
const PAGE: &str = "docs/guide/configuration.md";
const BEGIN: &str = "<!-- settings: written by the test docs::settings -->\n";
const END: &str = "<!-- /settings -->\n";

/// A key that no section has.
const NOBODYS: &str = "zzzzzzzzzz";

/// A setting, as errors tell of it.
struct Setting {
    /// The section that it is in; empty at the top.
    section: String,
    key: String,
    /// What it may also be called, at the top.
    short: Option<String>,
    allowed: String,
}

impl Setting {
    fn path(&self) -> String {
        join(&self.section, &self.key)
    }

    fn variable(&self) -> String {
        let name = self.short.clone().unwrap_or_else(|| self.path());
        format!("HTTP_{}", name.replace('.', "_").to_uppercase())
    }

    /// All that the code knows of its row.
    fn cells(&self) -> String {
        let short = self.short.iter().map(|short| format!(", `{short}`")).collect::<String>();
        // The variable of a secret's file is told of once, in the text.
        let allowed = self.allowed.replace('|', "\\|");
        format!("| `{}`{short} | `{}` | {allowed} |", self.path(), self.variable())
    }
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// A file with one value in it.
fn file(path: &str, value: Value) -> Value {
    path.rsplit('.').filter(|key| !key.is_empty()).fold(value, |value, key| json!({ key: value }))
}

fn read(path: &str, value: Value) -> Result<HttpConfigBuilder, String> {
    serde_json::from_value(file(path, value)).map_err(|error| error.to_string())
}

/// What is known in a section; `None` where there is no such section.
fn keys(section: &str) -> Option<Vec<String>> {
    let error = read(section, json!({ NOBODYS: 1 })).expect_err("nobody knows that key");
    let start = format!("unknown field `{}`", join(section, NOBODYS));
    let known = error.strip_prefix(&start)?;
    Some(known.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// What a setting says when it is given what no setting is.
fn allowed(path: &str) -> String {
    let error = read(path, json!({ NOBODYS: {} })).expect_err("no setting is such a table");
    let (_, allowed) = error.split_once(": give ").unwrap_or_else(|| panic!("{path}: {error}"));
    allowed.split_once(", or text such as").map_or(allowed, |(allowed, _)| allowed).to_owned()
}

/// Where a setting at the top is written.
fn place(key: &str) -> String {
    let values = [json!(1), json!(true), json!("http://a.test"), json!(["http://a.test"])];
    let set = values.into_iter().find_map(|value| read(key, value).ok());
    let mut written = serde_json::to_value(set.expect(key)).unwrap();
    let mut path = String::new();
    while let Value::Object(entries) = written {
        let (key, value) = entries.into_iter().next().expect("it is set");
        path = join(&path, &key);
        written = value;
    }
    path
}

/// All settings, in the order of the sections.
fn settings(section: &str, found: &mut Vec<Setting>) {
    let mut sections = Vec::new();
    for key in keys(section).expect("a section") {
        let path = join(section, &key);
        if keys(&path).is_some() {
            sections.push(path);
        } else if !section.is_empty() || place(&key) == key {
            let allowed = allowed(&path);
            found.push(Setting { section: section.to_owned(), key, short: None, allowed });
        }
    }
    sections.iter().for_each(|section| settings(section, found));
}

fn all() -> Vec<Setting> {
    let mut found = Vec::new();
    settings("", &mut found);
    for key in keys("").expect("the top").into_iter().filter(|key| keys(key).is_none()) {
        let place = place(&key);
        let setting = found.iter_mut().find(|setting| setting.path() == place).expect("it exists");
        if place != key {
            setting.short = Some(key);
        }
    }
    found
}

/// What a person wrote into the last two cells of a setting's row: its default, and what it is.
fn told<'a>(page: &'a str, path: &str) -> Option<[&'a str; 2]> {
    let row = page.lines().find(|line| line.starts_with(&format!("| `{path}`")))?;
    let mut cells = row.trim_end_matches('|').rsplit(" | ").map(str::trim);
    let what = cells.next()?;
    Some([cells.next()?, what])
}

fn tables(page: &str) -> String {
    let mut text = String::new();
    let mut section = None;
    for setting in all() {
        if section.as_ref() != Some(&setting.section) {
            let name = match &*setting.section {
                "" => "At the top".to_owned(),
                name => format!("`{name}`"),
            };
            text.push_str(&format!(
                "\n### {name}\n\n| setting | variable | value | default | |\n|---|---|---|---|---|\n"
            ));
            section = Some(setting.section.clone());
        }
        let [default, what] = told(page, &setting.path()).unwrap_or(["?", "?"]);
        text.push_str(&format!("{} {default} | {what} |\n", setting.cells()));
    }
    text.push('\n');
    text
}

#[test]
fn the_guide_has_every_setting() {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the tables begin");
    let (written, after) = rest.split_once(END).expect("the tables end");
    let tables = tables(written);
    if env::var_os("MIDIL_BLESS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
    }
    assert!(!tables.contains("| ? |"), "{PAGE}: say what is new, in place of the question marks");
    let differing = tables.lines().zip(written.lines()).find(|(code, page)| code != page);
    assert!(
        tables == written,
        "{PAGE} is not what the code says, first at {differing:?}: \
         MIDIL_BLESS=1 cargo test --all-features --test it docs::settings writes it anew"
    );
}

/// What a variable is called in the guide, the environment is read by.
#[test]
fn the_guides_variables_are_known() {
    for setting in all() {
        let variable = setting.variable().replacen("HTTP", "ORDERS", 1);
        let read = HttpConfig::builder().env_from("ORDERS", [(&*variable, "\u{1}")]);
        if let Err(error) = read {
            assert!(!error.to_string().contains("is no setting"), "{error}");
        }
    }
}

#[test]
fn the_guides_defaults_are_those_of_the_code() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let config = HttpConfig::default();
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    for (path, default) in [
        ("timeout", seconds(config.timeout())),
        ("max_response_bytes", format!("{} MiB", config.max_response_bytes() >> 20)),
        ("decompress", config.decompress().to_string()),
        ("allow_plain_http_auth", config.allow_plain_http_auth().to_string()),
        ("transport.connect_timeout", seconds(config.connect_timeout())),
        ("transport.max_connections", config.max_connections().to_string()),
        ("transport.max_keepalive_connections", config.max_keepalive_connections().to_string()),
        ("transport.keepalive_expiry", seconds(config.keepalive_expiry())),
        ("retry.max_retries", config.max_retries().to_string()),
        ("retry.jitter", config.retry_jitter().to_string()),
        ("retry.backoff.multiplier", config.retry_backoff_factor().to_string()),
        ("retry.backoff.max_delay", seconds(config.retry_max_backoff())),
        ("retry.budget.enabled", config.retry_budget().to_string()),
        ("breaker.recovery_timeout", seconds(config.breaker_recovery())),
    ] {
        let [told, _] = told(&page, path).expect(path);
        assert_eq!(told, default, "{path}");
    }
}
