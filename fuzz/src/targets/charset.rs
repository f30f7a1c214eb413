//! The charset of a text. A line of `Content-Type`, and the body.
//!
//! The oracle reads a `Content-Type` that follows the grammar of RFC 9110, sections 8.3.1 and 5.6.6, and asks `encoding_rs`.

use http::{HeaderMap, header};
use midil_http_core::decode_text;

use super::input::Input;

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let Some(kind) = input.header() else { return };
    let mut headers = HeaderMap::new();
    let expected = kind.to_str().ok().and_then(label);
    headers.insert(header::CONTENT_TYPE, kind);
    let found = decode_text(&headers, input.0);
    if let Some(label) = expected {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes());
        let text = encoding.unwrap_or(encoding_rs::UTF_8).decode(input.0).0;
        assert_eq!(found, text, "{headers:?}");
    }
}

/// The first charset, or an empty text where there is none; `None` for what breaks the grammar.
fn label(kind: &str) -> Option<String> {
    let mut rest = kind;
    token(&mut rest)?;
    take(&mut rest, "/")?;
    token(&mut rest)?;
    let mut found = None;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(found.unwrap_or_default());
        }
        take(&mut rest, ";")?;
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() || rest.starts_with(';') {
            continue;
        }
        let name = token(&mut rest)?;
        take(&mut rest, "=")?;
        let value = if rest.starts_with('"') { quoted(&mut rest)? } else { token(&mut rest)? };
        if name.eq_ignore_ascii_case("charset") && found.is_none() {
            found = Some(value);
        }
    }
}

fn take(rest: &mut &str, what: &str) -> Option<()> {
    *rest = rest.strip_prefix(what)?;
    Some(())
}

fn token(rest: &mut &str) -> Option<String> {
    let is_of = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = rest.find(|c| !is_of(c)).unwrap_or(rest.len());
    let (token, after) = rest.split_at(end);
    *rest = after;
    (!token.is_empty()).then(|| token.to_owned())
}

fn quoted(rest: &mut &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = rest.chars();
    chars.next();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
    *rest = chars.as_str();
    Some(value)
}
