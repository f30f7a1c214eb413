//! The charset of a response's text.

use http::HeaderMap;

/// The text of a body that came with these headers, as [`Response::text`](crate::Response::text) has it; for what was read
/// in pieces, and for the body of a [`StatusError`](crate::StatusError).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "charset")] {
/// use http::{HeaderMap, HeaderValue, header};
///
/// let mut headers = HeaderMap::new();
/// headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=iso-8859-1"));
/// assert_eq!(midil_http_core::decode_text(&headers, b"\xFCber"), "\u{fc}ber");
/// # }
/// ```
#[must_use]
pub fn decode_text(headers: &HeaderMap, bytes: &[u8]) -> String {
    decode(bytes, headers)
}

/// After the charset that the headers name, unless a byte-order mark knows better.
#[cfg(feature = "charset")]
fn decode(bytes: &[u8], headers: &HeaderMap) -> String {
    let named =
        charset(headers).and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    named.unwrap_or(encoding_rs::UTF_8).decode(bytes).0.into_owned()
}

/// As UTF-8, without its byte-order mark.
#[cfg(not(feature = "charset"))]
fn decode(bytes: &[u8], _: &HeaderMap) -> String {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    String::from_utf8_lossy(text).into_owned()
}

/// The first `charset` of `Content-Type`, by the parameters of [RFC 9110, section 5.6.6]; the value may be quoted.
///
/// [RFC 9110, section 5.6.6]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.6
#[cfg(feature = "charset")]
fn charset(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let mut rest = text.split_once(';')?.1;
    loop {
        // A parameter without a value is no parameter; what follows it may be.
        let end = rest.find(['=', ';']).filter(|at| rest[*at..].starts_with('='));
        let Some(at) = end else {
            rest = rest.split_once(';')?.1;
            continue;
        };
        let (name, value) = (rest[..at].trim(), &rest[at + 1..]);
        let (value, after) = value_of(value);
        if name.eq_ignore_ascii_case("charset") {
            return Some(value);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A token or a quoted string, without its quotes; and what follows.
#[cfg(feature = "charset")]
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let (mut value, mut chars) = (String::new(), quoted.chars());
    while let Some(next) = chars.next() {
        match next {
            '"' => break,
            '\\' => value.extend(chars.next()),
            other => value.push(other),
        }
    }
    (value, chars.as_str())
}

#[cfg(all(test, feature = "charset"))]
mod tests {
    use super::*;

    fn decoded(content_type: &'static str, bytes: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static(content_type));
        decode(bytes, &headers)
    }

    #[test]
    fn the_charset_that_is_named_is_believed_however_it_is_spelt() {
        for spelling in [
            "text/plain; charset=iso-8859-1",
            "text/plain;charset=latin1",
            "text/plain; CHARSET=\"ISO-8859-1\"",
            "text/plain; charset=\"iso\\-8859-1\" ; x=y",
            "text/plain; format=flowed; charset=windows-1252",
            "text/plain; q=\"; charset=utf-8\"; charset=latin1",
            "text/plain; flag; charset=latin1",
            "text/plain;; charset = latin1 ",
            "text/plain; charset=latin1; charset=utf-8",
        ] {
            assert_eq!(decoded(spelling, b"\xFCber"), "\u{fc}ber", "{spelling}");
        }
        assert_eq!(decoded("text/plain; charset=shift_jis", b"\x83\x65"), "\u{30c6}");
        assert_eq!(decoded("text/plain; charset=utf-16le", b"h\0i\0"), "hi");
    }

    #[test]
    fn what_is_unnamed_or_unknown_is_utf_8() {
        for unknown in [
            "text/plain",
            "text/plain; charset=",
            "text/plain; charset=klingon",
            "text/plain; charset",
            "text/plain; charset=\"",
            "text/plain; notcharset=latin1",
            "charset=latin1",
            "",
        ] {
            assert_eq!(decoded(unknown, "\u{fc}ber".as_bytes()), "\u{fc}ber", "{unknown}");
        }
        assert_eq!(decode(b"\xFFab", &HeaderMap::new()), "\u{fffd}ab");
    }

    #[test]
    fn a_byte_order_mark_wins_and_is_no_text() {
        assert_eq!(decoded("text/plain; charset=latin1", b"\xEF\xBB\xBF\xC3\xBC"), "\u{fc}");
        assert_eq!(decoded("text/plain; charset=utf-8", b"\xFF\xFEh\0"), "h");
        assert_eq!(decoded("text/plain", b"\xFE\xFF\0h"), "h");
    }
}
