//! The JSON of a page. A byte of how it names the next one, and the JSON.
//!
//! The oracle reads it with `serde_json`. Where a link leads is what `Url::join` says, unless that must not be asked for; a
//! token comes back as it was, and the rest of the query stays as it is written.

use http::HeaderMap;
use midil_http_core::{JsonLink, PageToken};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::input::Input;
use super::pages::{self, FIRST};

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let is_link = input.byte() % 2 == 0;
    // A page without a body is one of nothing.
    let json = if input.0.is_empty() { b"null" } else { input.0 };
    let value: Option<Value> = serde_json::from_slice(json).ok();
    // JSON that is none has no next page, and no end either.
    let next = value.as_ref().map_or(Next::Unclear, |value| next(value, is_link));
    let (asked, expected) = if is_link {
        let asked = pages::read(HeaderMap::new(), input.0, JsonLink::at("/a~1b/next"));
        let expected = match &next {
            Next::None => Ok(vec![]),
            Next::Is(url) => pages::led_to(Some(url)),
            Next::Unclear => Err(vec![]),
        };
        (asked, expected)
    } else {
        let token = PageToken::at("/a~1b/next").with_query("page");
        let asked = pages::read(HeaderMap::new(), input.0, token);
        let expected = match &next {
            Next::None => Ok(vec![]),
            Next::Is(token) => {
                let mut url = Url::parse(FIRST).unwrap();
                let encoded: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
                url.set_query(Some(&format!("page={encoded}")));
                if url.as_str() == FIRST { Err(vec![]) } else { Ok(vec![url]) }
            }
            Next::Unclear => Err(vec![]),
        };
        (asked, expected)
    };
    assert_eq!(asked, expected, "{:?}", String::from_utf8_lossy(input.0));
}

enum Next {
    None,
    Is(String),
    Unclear,
}

fn next(page: &Value, is_link: bool) -> Next {
    let outer = match page {
        Value::Object(fields) => fields.get("a/b"),
        _ => None,
    };
    let named = match outer {
        Some(Value::Object(fields)) => fields.get("next"),
        _ => None,
    };
    let named = match named {
        // An object that names something else tells nothing.
        Some(Value::Object(link)) if is_link && !link.is_empty() => match link.get("href") {
            None => return Next::Unclear,
            href => href,
        },
        Some(Value::Object(_)) if is_link => None,
        named => named,
    };
    match named {
        None | Some(Value::Null) => Next::None,
        Some(Value::String(text)) if text.is_empty() => Next::None,
        Some(Value::String(text)) => Next::Is(text.clone()),
        Some(Value::Number(number)) if !is_link => {
            let text = number.to_string();
            // Of a double, 15 digits come back for sure.
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let comes_back = !number.is_f64() || (!text.contains('e') && digits <= 15);
            if comes_back { Next::Is(text) } else { Next::Unclear }
        }
        Some(_) => Next::Unclear,
    }
}
