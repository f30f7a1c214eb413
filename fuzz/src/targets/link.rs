//! The `Link` header of a page.
//!
//! - `g`: links by the grammar of RFC 8288, made of the bytes that follow, with spaces, quotes and empty elements where they
//!   may be. What is asked for next must be what the links say.
//! - Anything else: what follows, line by line, are `Link` headers as they are.
//!
//! Whatever they say, nothing is sent to a foreign origin, and no secret to any but its own.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, header};
use midil_auth::StaticToken;
use midil_http_core::{Body, HttpClient, LinkHeader, Request};
use url::{Position, Url};

use super::input::{Input, now};

const FIRST: &str = "https://api.test/v1/items?page=1";
const HOME: &str = "https://api.test";
const ALLOWED: &str = "https://cdn.test";

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    if input.byte() == b'g' {
        let links = Links::made_of(&mut input);
        let Ok(value) = HeaderValue::from_bytes(links.text.as_bytes()) else { return };
        let asked = pages(vec![value]);
        let next = links.next.as_ref().map(|target| Url::parse(FIRST).unwrap().join(target));
        match next {
            None => assert_eq!(asked, Ok(vec![]), "{}", links.text),
            Some(Ok(mut url)) if may_be_asked(&url) => {
                url.set_fragment(None);
                // A page that is its own next one is a circle, which is an error.
                if url.as_str() == FIRST {
                    assert_eq!(asked, Err(vec![]), "{}", links.text);
                } else {
                    assert_eq!(asked, Ok(vec![url]), "{}", links.text);
                }
            }
            Some(_) => assert_eq!(asked, Err(vec![]), "{}", links.text),
        }
    } else {
        let mut values = Vec::new();
        while !input.is_over() {
            values.extend(input.header());
        }
        let (Ok(asked) | Err(asked)) = pages(values);
        assert!(asked.iter().all(may_be_asked), "{asked:?}");
    }
}

fn may_be_asked(url: &Url) -> bool {
    [HOME, ALLOWED].contains(&&url[..Position::BeforePath])
}

/// Reads pages, of which the first has these headers. Gives what was asked for after the first; as an error where the pages
/// end in one.
fn pages(links: Vec<HeaderValue>) -> Result<Vec<Url>, Vec<Url>> {
    let sent: Arc<Mutex<Vec<(Url, HeaderMap)>>> = Arc::default();
    let record = Arc::clone(&sent);
    let transport = move |request: Request| {
        let mut sent = record.lock().unwrap();
        let mut response = http::Response::new(Body::from("[1]"));
        if sent.is_empty() {
            for link in &links {
                response.headers_mut().append(header::LINK, link.clone());
            }
        }
        sent.push((request.url().clone(), request.headers().clone()));
        async { Ok(response) }
    };
    let client = HttpClient::builder(transport)
        .base_url("https://api.test/v1")
        .allow_origin(ALLOWED)
        .header("x-base", "1")
        .auth(StaticToken::try_new("hunter2").unwrap())
        .build()
        .unwrap();
    let pages = client.paginate(client.get(FIRST)).by(LinkHeader::new()).max_pages(4).pages();
    let pages: Vec<_> = now(pages.collect());
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    for (url, headers) in &sent {
        let at_home = &url[..Position::BeforePath] == HOME;
        for name in ["authorization", "x-base"] {
            assert_eq!(headers.contains_key(name), at_home, "{name} to {url}");
        }
    }
    let asked = sent.into_iter().skip(1).map(|(url, _)| url).collect();
    if pages.iter().all(Result::is_ok) { Ok(asked) } else { Err(asked) }
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
