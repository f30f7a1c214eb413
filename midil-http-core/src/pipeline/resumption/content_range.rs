//! [`ContentRange`]: which part of a resource a response holds.

use http::{HeaderMap, header};

use super::validator::only;

/// A `Content-Range` ([RFC 9110, section 14.4]).
///
/// [RFC 9110, section 14.4]: https://www.rfc-editor.org/rfc/rfc9110#section-14.4
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ContentRange {
    /// `bytes 7-99/100`, or `bytes 7-99/*`.
    Part {
        first: u64,
        /// Behind the last byte.
        end: u64,
        complete: Option<u64>,
    },
    /// `bytes */100`: what was asked for is not there.
    Unsatisfied { complete: u64 },
}

impl ContentRange {
    /// That of a response; `None` when there is none, more than one, or what it says cannot be.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = only(headers, &header::CONTENT_RANGE)?.to_str().ok()?;
        let (unit, range) = value.trim().split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (range, complete) = range.split_once('/')?;
        if range == "*" {
            return Some(Self::Unsatisfied { complete: number(complete)? });
        }
        let (first, last) = range.split_once('-')?;
        let (first, end) = (number(first)?, number(last)?.checked_add(1)?);
        let complete = match complete {
            "*" => None,
            complete => Some(number(complete)?),
        };
        (first < end && complete.is_none_or(|complete| end <= complete)).then_some(Self::Part {
            first,
            end,
            complete,
        })
    }
}

/// Digits alone, not with a sign, as `parse` would have it.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> Option<ContentRange> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_RANGE, HeaderValue::from_static(value));
        }
        ContentRange::of(&headers)
    }

    #[test]
    fn what_can_be_is_read() {
        let part = |first, end, complete| Some(ContentRange::Part { first, end, complete });
        assert_eq!(of(&["bytes 0-0/1"]), part(0, 1, Some(1)));
        assert_eq!(of(&["Bytes 7-99/100"]), part(7, 100, Some(100)));
        assert_eq!(of(&["bytes 7-98/*"]), part(7, 99, None));
        assert_eq!(of(&["bytes */100"]), Some(ContentRange::Unsatisfied { complete: 100 }));
    }

    #[test]
    fn what_cannot_be_is_none() {
        for value in [
            "",
            "bytes",
            "bytes=7-99/100",
            "items 7-99/100",
            "bytes 7-99",
            "bytes 99-7/100",
            "bytes 7-100/100",
            "bytes 7-/100",
            "bytes -7/100",
            "bytes +7-99/100",
            "bytes 7-99/+100",
            "bytes 7 - 99/100",
            "bytes 7-18446744073709551615/*",
            "bytes 7-99999999999999999999/*",
            "bytes */*",
            "bytes 7-99/100, bytes 7-99/100",
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["bytes 7-99/100", "bytes 7-99/100"]), None, "two of them");
    }
}
