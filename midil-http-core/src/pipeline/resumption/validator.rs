//! [`Validator`]: by what bytes are known again.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// A strong validator: responses that have it in common are of the same bytes ([RFC 9110, section 8.8.1]).
///
/// [RFC 9110, section 8.8.1]: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Validator {
    ETag(HeaderValue),
    LastModified(HeaderValue),
}

impl Validator {
    /// That of a response, if it has one that is strong.
    ///
    /// A date is one when it is a second older than `Date` at least ([RFC 9110, section 8.8.2.2]), and stands for nothing
    /// where there is an entity tag, be it a weak one ([RFC 9110, section 13.1.5]).
    ///
    /// [RFC 9110, section 8.8.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
    /// [RFC 9110, section 13.1.5]: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(header::ETAG) {
            let tag = only(headers, &header::ETAG)?;
            return is_strong(tag.as_bytes()).then(|| Self::ETag(tag.clone()));
        }
        let modified = only(headers, &header::LAST_MODIFIED)?;
        let latest = date(modified)?.checked_add(Duration::from_secs(1))?;
        (latest <= date(only(headers, &header::DATE)?)?)
            .then(|| Self::LastModified(modified.clone()))
    }

    /// What goes into `If-Range`.
    pub(super) const fn value(&self) -> &HeaderValue {
        match self {
            Self::ETag(value) | Self::LastModified(value) => value,
        }
    }
}

/// The header's value, unless there are several.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Whether it is an entity tag that does not say that it is weak.
fn is_strong(tag: &[u8]) -> bool {
    let inner = tag.strip_prefix(b"\"").and_then(|tag| tag.strip_suffix(b"\""));
    inner.is_some_and(|inner| inner.iter().all(|&byte| byte > b' ' && byte != b'"' && byte != 0x7f))
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(*name, HeaderValue::from_static(value));
        }
        let validator = Validator::of(&all)?;
        Some(validator.value().to_str().unwrap().to_owned())
    }

    #[test]
    fn a_strong_entity_tag_is_one() {
        for tag in ["\"\"", "\"a\"", "\"W/a\"", "\"!#~\""] {
            assert_eq!(of(&[("etag", tag)]).as_deref(), Some(tag));
        }
        for tag in ["W/\"a\"", "w/\"a\"", "a", "\"", "", "\"a", "a\"", "\"a\"b\"", "\"a b\"", "*"] {
            assert_eq!(of(&[("etag", tag)]), None, "{tag}");
        }
        assert_eq!(of(&[("etag", "\"a\""), ("etag", "\"a\"")]), None, "two of them");
    }

    #[test]
    fn a_date_is_one_when_it_is_a_second_old() {
        const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (modified, strong) in [
            ("Sun, 06 Nov 1994 08:49:36 GMT", true),
            ("Sunday, 06-Nov-94 08:49:36 GMT", true),
            (NOW, false),
            ("Sun, 06 Nov 1994 08:49:38 GMT", false),
            ("yesterday", false),
        ] {
            let found = of(&[("last-modified", modified), ("date", NOW)]);
            assert_eq!(found.as_deref(), strong.then_some(modified));
        }
        assert_eq!(of(&[("last-modified", NOW)]), None, "there is no Date");
        assert_eq!(of(&[("last-modified", NOW), ("date", "soon")]), None);
    }

    #[test]
    fn a_date_is_none_beside_a_weak_tag() {
        let old = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
        let date = ("date", "Mon, 07 Nov 1994 08:49:37 GMT");
        assert!(of(&[old, date]).is_some());
        assert_eq!(of(&[("etag", "W/\"a\""), old, date]), None);
        assert_eq!(of(&[("etag", "\"a\""), old, date]).as_deref(), Some("\"a\""));
    }
}
