//! A jar as JSON.

use std::time::{Duration, SystemTime};

use cookie_store::{CookieDomain, CookiePath};
use serde::{Deserialize, Serialize};
use url::Url;

use super::cookie::Cookie;
use super::{received, site};
use crate::{BuildError, Secret};

#[derive(Serialize, Deserialize)]
struct Export<C> {
    version: u32,
    cookies: Vec<C>,
}

#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    value: &'a str,
    domain: &'a str,
    host_only: bool,
    path: &'a str,
    secure: bool,
    http_only: bool,
    /// Seconds since 1970.
    expires: Option<u64>,
}

#[derive(Deserialize)]
struct Read {
    name: String,
    value: String,
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
    http_only: bool,
    expires: Option<u64>,
}

const VERSION: u32 = 1;
const SETTING: &str = "the JSON of a cookie jar";

pub(super) fn write(cookies: &[Cookie]) -> Secret {
    let cookies: Vec<_> = cookies.iter().map(written).collect();
    // Room for all of it, escapes included: text that grows leaves copies.
    let room = |cookie: &Written<'_>| {
        200 + 6 * (cookie.name.len() + cookie.value.len() + cookie.domain.len() + cookie.path.len())
    };
    let mut json = Vec::with_capacity(100 + cookies.iter().map(room).sum::<usize>());
    match serde_json::to_writer(&mut json, &Export { version: VERSION, cookies }) {
        Ok(()) => String::from_utf8(json).unwrap_or_default().into(),
        Err(_) => Secret::from(""), // text and numbers into memory: there is nothing to fail
    }
}

fn written(cookie: &Cookie) -> Written<'_> {
    let seconds =
        |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Written {
        name: cookie.name(),
        value: cookie.value(),
        domain: cookie.domain(),
        host_only: cookie.is_host_only(),
        path: cookie.path(),
        secure: cookie.secure,
        http_only: cookie.http_only,
        expires: cookie.expires.map(seconds),
    }
}

/// The cookies of `json`, under the rules by which servers set them: the text may come from anywhere.
pub(super) fn read(json: &str) -> Result<Vec<Cookie>, BuildError> {
    let export: Export<Read> = serde_json::from_str(json).map_err(|error| {
        // Not the parser's own words, which may show a value.
        let (line, column) = (error.line(), error.column());
        let problem = format!("is not what to_json writes: see line {line}, column {column}");
        BuildError::new(SETTING, problem)
    })?;
    if export.version != VERSION {
        let problem = format!("is of version {}: this release reads {VERSION}", export.version);
        return Err(BuildError::new(SETTING, problem));
    }
    (1..)
        .zip(export.cookies)
        .map(|(number, cookie)| {
            cookie.check().map_err(|why| {
                BuildError::new(SETTING, format!("holds what is no cookie: its no. {number} {why}"))
            })
        })
        .collect()
}

impl Read {
    fn check(self) -> Result<Cookie, &'static str> {
        // As a line has it: a tab is all right.
        let special = |byte: u8| (byte.is_ascii_control() && byte != b'\t') || byte == b';';
        let clean = |text: &str| !text.bytes().any(special);
        if self.name.is_empty() || self.name.contains('=') || !clean(&self.name) {
            return Err("has a name that cannot be");
        }
        if !clean(&self.value) {
            return Err("has a value that cannot be");
        }
        received::check_size(&self.name, &self.value)?;
        let path = CookiePath::parse(&self.path).filter(|path| clean(path));
        let cookie = Cookie {
            name: self.name,
            value: self.value.into(),
            domain: domain(self.domain, self.host_only).ok_or("has a domain that cannot be")?,
            path: path.ok_or("has a path that cannot be")?,
            secure: self.secure,
            http_only: self.http_only,
            expires: match self.expires {
                None => None,
                Some(at) => Some(
                    SystemTime::UNIX_EPOCH
                        .checked_add(Duration::from_secs(at))
                        .ok_or("expires beyond all time")?,
                ),
            },
            created: 0,
            used: 0,
        };
        received::check_prefix(&cookie)?;
        Ok(cookie)
    }
}

/// A domain as a URL has it, and for a cookie of all below it no public suffix.
fn domain(domain: String, host_only: bool) -> Option<CookieDomain> {
    let url = Url::parse(&format!("https://{domain}/")).ok()?;
    if url.host_str() != Some(&*domain) {
        return None;
    }
    if host_only {
        return Some(CookieDomain::HostOnly(domain));
    }
    let shared = !site::is_address(&domain) && !site::is_public_suffix(&domain);
    shared.then_some(CookieDomain::Suffix(domain))
}
