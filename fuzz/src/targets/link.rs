//! The `Link` header of a page.
//!
//! - `g`: links by the grammar of RFC 8288, made of the bytes that follow, with spaces, quotes and empty elements where they
//!   may be. What is asked for next must be what the links say.
//! - Anything else: what follows, line by line, are `Link` headers as they are.
//!
//! Whatever they say, nothing is sent to a foreign origin, and no secret to any but its own.

use http::{HeaderMap, HeaderValue, header};
use midil_http_core::LinkHeader;
use url::Url;

use super::input::Input;
use super::pages::{self, FIRST};

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    if input.byte() == b'g' {
        let links = Links::made_of(&mut input);
        let Ok(value) = HeaderValue::from_bytes(links.text.as_bytes()) else { return };
        let asked = pages(vec![value]);
        assert_eq!(asked, pages::led_to(links.next.as_deref()), "{}", links.text);
    } else {
        let mut values = Vec::new();
        while !input.is_over() {
            values.extend(input.header());
        }
        let _: Result<_, _> = pages(values);
    }
}

fn pages(links: Vec<HeaderValue>) -> Result<Vec<Url>, Vec<Url>> {
    let headers = HeaderMap::from_iter(links.into_iter().map(|link| (header::LINK, link)));
    pages::read(headers, b"[1]", LinkHeader::new())
}

/// Links that follow the grammar, and the target of the first that is the next page.
#[derive(Default)]
struct Links {
    text: String,
    next: Option<String>,
}

const NAMES: [&str; 8] = ["rel", "REL", "title", "anchor", "rel*", "type", "hreflang", "xrel"];
const VALUES: [&str; 8] = [
    "next",
    "NEXT",
    "prev",
    "",
    "next last",
    "nextish",
    "a\"next\"",
    "https://api.test/v1/items?page=1",
];
const SPACES: [&str; 4] = ["", " ", "\t", " \t "];

impl Links {
    fn made_of(input: &mut Input<'_>) -> Self {
        let mut links = Self::default();
        for number in 0..4 {
            if input.is_over() {
                break;
            }
            if number > 0 {
                let style = input.byte();
                let space = SPACES[usize::from(style & 3)];
                links.text.push_str(if style & 4 == 0 { space } else { ", ," });
                links.text.push(',');
                links.text.push_str(SPACES[usize::from(style >> 3 & 3)]);
            }
            links.add(input);
        }
        links
    }

    fn add(&mut self, input: &mut Input<'_>) {
        let is_of_target = |c: &char| !c.is_control() && *c != '>' && *c != '\u{fffd}';
        let target: String = input.text().chars().filter(is_of_target).collect();
        self.text.push_str(&format!("<{target}>"));
        let (mut relation, mut anchor) = (None, None);
        for _ in 0..input.byte() % 4 {
            let (name, style) = (NAMES[usize::from(input.byte() & 7)], input.byte());
            let value = if style & 0x80 == 0 {
                VALUES[usize::from(style & 7)].to_owned()
            } else {
                input.text().chars().filter(|c| !c.is_control() && *c != '\u{fffd}').collect()
            };
            let space = SPACES[usize::from(style >> 3 & 3)];
            self.text.push_str(&format!("{space};{space}{name}{space}={space}"));
            let is_token = !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric());
            if is_token && style & 0x20 == 0 {
                self.text.push_str(&value);
            } else {
                // Whatever may be escaped is, for every other value.
                self.text.push('"');
                for c in value.chars() {
                    if c == '"' || c == '\\' || (style & 0x40 != 0 && c.is_ascii_graphic()) {
                        self.text.push('\\');
                    }
                    self.text.push(c);
                }
                self.text.push('"');
            }
            let place = match name {
                "rel" | "REL" => &mut relation,
                "anchor" => &mut anchor,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        let page = Url::parse(FIRST).unwrap();
        let is_here = anchor.is_none_or(|anchor: String| {
            page.join(&anchor).is_ok_and(|mut of| {
                // A part of the page is not the page.
                let whole = of.fragment().is_none();
                of.set_fragment(None);
                whole && of == page
            })
        });
        let is_next = relation.is_some_and(|relation: String| {
            relation.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case("next"))
        });
        if is_here && is_next && self.next.is_none() {
            self.next = Some(target);
        }
    }
}
