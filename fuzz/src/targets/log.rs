//! What is logged of bodies. A byte of what it is, one of where it is cut off; then what it is made of.
//!
//! - `j`: JSON, made of the bytes.
//! - `f`: a form, made of the bytes.
//! - Anything else: what follows is the JSON.
//!
//! What is shown of the whole is what the oracle shows of it. Cut off anywhere, none shows a secret.

use midil_http_core::Logging;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::input::Input;

const JSON: &str = "application/problem+json";
const FORM: &str = "application/x-www-form-urlencoded";
/// What all secrets that are made begin with, and nothing else has in it.
const SECRET: &str = "hunter2";
const MARK: &str = "hunt";

/// Names of secrets, and of what is none.
const SECRETS: [&str; 8] = [
    "password",
    "access_token",
    "Client-Secret",
    "X.API.Key",
    "session id",
    "refreshToken",
    "JWT",
    "old_passwd\u{e9}",
];
const PLAIN: [&str; 8] =
    ["id", "name", "", "token_type", "a\"b\\", "\u{1f980}", "line\nbreak", "a&b=c"];

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let (kind, cut) = (input.byte(), input.byte());
    let (media_type, text, secrets) = match kind {
        b'j' => {
            let mut text = String::new();
            write(&mut text, &mut input, false, false, 0);
            (JSON, text, vec![MARK.to_owned()])
        }
        b'f' => {
            let (form, expected) = form(&mut input);
            assert_eq!(Logging::redact_body(FORM, &form), Some(expected), "{form}");
            (FORM, form, vec![MARK.to_owned()])
        }
        _ => {
            let Ok(text) = std::str::from_utf8(input.0) else { return };
            (JSON, text.to_owned(), secrets(text))
        }
    };
    let whole = Logging::redact_body(media_type, &text);
    if media_type == JSON {
        is_the_rest(&text, whole.as_deref());
    }
    let at = text.len() * usize::from(cut) / 255;
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let part = Logging::redact_body(media_type, &text[..at]);
    // What begins as it should is shown, whatever of it is there.
    assert!(part.is_some() || whole.is_none(), "{text:?}, cut at {at}");
    for shown in [whole, part].into_iter().flatten() {
        for secret in &secrets {
            assert!(!shown.contains(secret), "{text:?}, cut at {at}: {shown:?}");
        }
    }
}

/// Whether what is shown is JSON with all but the secrets, where all names are known.
fn is_the_rest(text: &str, shown: Option<&str>) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    if !value.is_object() && !value.is_array() {
        assert_eq!(shown, None, "{text:?}");
    } else if let Some(expected) = hidden(&value, false) {
        let shown = shown.unwrap_or_else(|| panic!("nothing is shown of {text:?}"));
        let shown: Value = serde_json::from_str(shown).unwrap();
        assert_eq!(shown, expected, "{text:?}");
    }
}

/// The value without its secrets; `is_named` says whether there is an object around it. `None` where it has a name that may be
/// one of a secret or not.
fn hidden(value: &Value, is_named: bool) -> Option<Value> {
    Some(match value {
        Value::String(_) if !is_named => json!("REDACTED"),
        Value::Array(values) => {
            values.iter().map(|one| hidden(one, is_named)).collect::<Option<_>>()?
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let value = match &**name {
                    name if SECRETS.contains(&name) => json!("REDACTED"),
                    name if PLAIN.contains(&name) => hidden(value, true)?,
                    _ => return None,
                };
                Some((name.clone(), value))
            };
            Value::Object(fields.iter().map(field).collect::<Option<Map<_, _>>>()?)
        }
        other => other.clone(),
    })
}

/// How texts begin that are secrets by the name right before them, and are nowhere else.
fn secrets(text: &str) -> Vec<String> {
    fn find(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| find(value, found)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(secret) if SECRETS.contains(&&**name) => {
                            found.push(secret.chars().take(5).collect());
                        }
                        value => find(value, found),
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str(text) {
        find(&value, &mut found);
    }
    let says = |begin: &str| text.matches(begin).count() + "REDACTED".matches(begin).count();
    found.retain(|begin| begin.len() >= 5 && says(begin) == 1);
    found
}

/// Writes a value; `secret` says whether a name has made it one, `is_named` whether there is an object around it.
fn write(text: &mut String, input: &mut Input<'_>, secret: bool, is_named: bool, depth: u32) {
    let style = input.byte();
    let kind = if depth == 0 { style & 1 } else { style & 7 };
    let space = ["", " ", "\r\n", "\t"][usize::from(style >> 3 & 3)];
    text.push_str(space);
    match kind {
        0 | 1 if depth < 8 => {
            text.push(if kind == 0 { '{' } else { '[' });
            for number in 0..style >> 5 & 3 {
                if number > 0 {
                    text.push(',');
                }
                if kind == 0 {
                    let style = input.byte();
                    let (name, is_secret) = name(style);
                    text.push_str(space);
                    text.push_str(&quoted(name, style));
                    text.push_str(space);
                    text.push(':');
                    write(text, input, secret || is_secret, true, depth + 1);
                } else {
                    write(text, input, secret, is_named, depth + 1);
                }
            }
            text.push_str(space);
            text.push(if kind == 0 { '}' } else { ']' });
        }
        2 => text
            .push_str(["0", "-1.5e3", "12345678901234567890", "7E-2"][usize::from(style >> 5 & 3)]),
        3 => text.push_str(["true", "false", "null", "[]"][usize::from(style >> 5 & 3)]),
        _ => {
            let content = content(input, secret || !is_named);
            text.push_str(&quoted(&content, style & 0x20));
        }
    }
    text.push_str(space);
}

/// One of the names, and whether it is that of a secret.
fn name(style: u8) -> (&'static str, bool) {
    let is_secret = style & 8 != 0;
    let names = if is_secret { SECRETS } else { PLAIN };
    (names[usize::from(style & 7)], is_secret)
}

fn content(input: &mut Input<'_>, secret: bool) -> String {
    let text = input.text().replace(MARK, "");
    if secret { format!("{SECRET}{text}{SECRET}") } else { text }
}

/// A string of JSON; with a style of 0x10 its letters are escaped, with 0x20 its slashes.
fn quoted(text: &str, style: u8) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '/' if style & 0x20 != 0 => quoted.push_str("\\/"),
            c if c < ' ' || (style & 0x10 != 0 && c.is_ascii_alphabetic()) => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A form, and what is to be shown of it.
fn form(input: &mut Input<'_>) -> (String, String) {
    let (mut form, mut expected) = (Vec::new(), Vec::new());
    while !input.is_over() && form.len() < 6 {
        let style = input.byte();
        let (name, is_secret) = match name(style) {
            _ if style & 0xc0 == 0xc0 => ("code_verifier", true),
            other => other,
        };
        let name: String = if style & 0x10 == 0 {
            form_urlencoded::byte_serialize(name.as_bytes()).collect()
        } else {
            name.bytes().map(|byte| format!("%{byte:02x}")).collect()
        };
        let content = content(input, is_secret || style & 0x20 != 0);
        let value: String = form_urlencoded::byte_serialize(content.as_bytes()).collect();
        let (pair, shown) = match () {
            // No pair: nothing says what it is.
            () if style & 0x20 != 0 => (value, "REDACTED".to_owned()),
            () if is_secret => (format!("{name}={value}"), format!("{name}=REDACTED")),
            () => (format!("{name}={value}"), format!("{name}={value}")),
        };
        form.push(pair);
        expected.push(shown);
    }
    if form.is_empty() {
        return (String::new(), "REDACTED".to_owned());
    }
    (form.join("&"), expected.join("&"))
}
