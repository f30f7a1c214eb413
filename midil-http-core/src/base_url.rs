//! [`BaseUrl`]: what the URL of a call is resolved against, and must not leave.

mod dots;

use std::borrow::Cow;

use url::{Position, Url};

use crate::origin::{self, Origin};
use crate::origins::Origins;
use crate::{BuildError, redact};

/// What most paths are shorter than. A URL that has a longer one grows.
const ROOM: usize = 100;

/// The base of a client's URLs.
///
/// A relative URL is appended to the base path. A result that leaves the origin or the path of the base is refused
/// before anything is sent, whatever tricks it plays: `..` in any encoding, `//host`, backslashes, control characters,
/// userinfo. `Url::join` would follow most of them.
#[derive(Clone)]
pub(crate) struct BaseUrl {
    url: Url,
    /// The same with a long path: a copy of it has the memory for the path of a call.
    roomy: Url,
    origin: Origin,
    /// The base path without the slash at its end.
    path: String,
}

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, BuildError> {
        let problem = |why: &str| {
            BuildError::new("base_url", format!("cannot be \"{}\": {why}", redact::url_text(text)))
        };
        let url = Url::parse(text)
            .map_err(|error| problem(&format!("{error}; give an absolute http or https URL")))?;
        origin::check(&url).map_err(problem)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(problem("it has a query or a fragment; add the query to each request"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let mut roomy = url.clone();
        roomy.set_path(&"x".repeat(path.len() + ROOM));
        Ok(Self { origin: Origin::of(&url), url, roomy, path })
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The URL that `text` names: relative to the base, or absolute of an origin that `allowed` permits.
    pub(crate) fn resolve(&self, text: &str, allowed: &Origins) -> Result<Url, BuildError> {
        if let Some(url) = self.plain(text) {
            return Ok(url);
        }
        check_characters(text)?;
        if is_absolute(text) { self.absolute(text, allowed) } else { self.relative(text) }
    }

    /// The URL of a path of plain segments, given alone or after the very origin of the base. It cannot leave the base,
    /// so the checks that others need are spared it: the usual case, at a fraction of the cost.
    fn plain(&self, text: &str) -> Option<Url> {
        let (base, path) = match text.strip_prefix(self.origin.as_str()) {
            Some(path) => ("", path),
            None => (self.path.as_str(), text),
        };
        if !is_plain(path) {
            return None;
        }
        let path =
            if base.is_empty() { Cow::Borrowed(path) } else { Cow::Owned([base, path].concat()) };
        let mut url = self.roomy.clone();
        url.set_path(&path);
        (url.path() == path).then_some(url)
    }

    /// Whether a URL that is parsed already may be called.
    pub(crate) fn permit(&self, url: &Url, allowed: &Origins) -> Result<(), BuildError> {
        permit(url, &self.origin, allowed)
    }

    fn absolute(&self, text: &str, allowed: &Origins) -> Result<Url, BuildError> {
        let url = Url::parse(text).map_err(|error| BuildError::url(text, error))?;
        self.permit(&url, allowed)?;
        Ok(url)
    }

    fn relative(&self, text: &str) -> Result<Url, BuildError> {
        let text_before_fragment = text.split('#').next().unwrap_or_default();
        let (text_path, query) = match text_before_fragment.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text_before_fragment, None),
        };
        if text_path.starts_with("//") {
            return Err(BuildError::url(
                text,
                "it begins with // and names another host; begin with one slash",
            ));
        }
        if text_path.contains('\\') {
            return Err(BuildError::url(
                text,
                "it holds a backslash, which counts as a slash; encode it as %5C",
            ));
        }
        if dots::climbs_out(text_path) {
            return Err(BuildError::url(
                text,
                "it climbs out of the base path with ..; name the path itself",
            ));
        }
        let mut url = self.url.clone();
        let relative = text_path.strip_prefix('/').unwrap_or(text_path);
        if !relative.is_empty() || text_path.starts_with('/') || self.path.is_empty() {
            let mut path = String::with_capacity(self.path.len() + 1 + relative.len());
            path.push_str(&self.path);
            path.push('/');
            path.push_str(relative);
            url.set_path(&path);
        }
        if let Some(query) = query {
            url.set_query(Some(query));
        }
        let inside = url[..Position::AfterPort] == self.url[..Position::AfterPort]
            && url
                .path()
                .strip_prefix(self.path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if inside {
            Ok(url)
        } else {
            Err(BuildError::url(text, "it leaves the base URL; name a path below it"))
        }
    }
}

/// Whether `url` has the base's origin, or one of the `allowed`.
fn permit(url: &Url, base: &Origin, allowed: &Origins) -> Result<(), BuildError> {
    origin::check(url).map_err(|why| BuildError::url(url.as_str(), why))?;
    if base.is_of(url) || allowed.has(url) {
        return Ok(());
    }
    let why = format!(
        "its origin is not that of the base URL, {base}; permit it with `allow_origin` if it is meant"
    );
    Err(BuildError::url(url.as_str(), why))
}

/// Whether a path begins with a slash and has nothing in it that a parser could take for anything but itself.
fn is_plain(path: &str) -> bool {
    let mut before = b' ';
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let doubled = byte == b'/' && before == b'/';
            before = byte;
            !doubled && (byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~'))
        })
}

/// Refuses control characters, which a URL parser would drop without a word.
pub(crate) fn check_characters(text: &str) -> Result<(), BuildError> {
    // Control characters of ASCII are one byte; the others begin with 0xC2.
    if !text.bytes().any(|byte| byte < b' ' || byte == 0x7F || byte == 0xC2) {
        return Ok(());
    }
    match text.chars().find(|character| character.is_control()) {
        None => Ok(()),
        Some(character) => Err(BuildError::url(
            text,
            format!("it holds the control character {character:?}; remove it"),
        )),
    }
}

/// Whether the text has a scheme: `https:` and `http:` in any form, anything else with `://`.
pub(crate) fn is_absolute(text: &str) -> bool {
    let scheme_end = text
        .find(|character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character)));
    let Some((scheme, rest)) = scheme_end.and_then(|end| text.split_at_checked(end)) else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && (rest.starts_with("//")
            || scheme.eq_ignore_ascii_case("http")
            || scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests;
