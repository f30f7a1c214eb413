//! `Retry-After`: how long a server asks us to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// The wait that `Retry-After` asks for ([RFC 9110, section 10.2.3]).
///
/// It comes as seconds (digits alone), or as a date in any of the three forms of [RFC 9110, section 5.6.7]. From a date
/// the response's own `Date` is subtracted, so that a skewed clock on either side cancels out; `now` is asked only when
/// there is none. A date in the past is zero. What is signed, fractional or garbage counts as absent.
///
/// [RFC 9110, section 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
/// [RFC 9110, section 5.6.7]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
///
/// let mut headers = HeaderMap::new();
/// headers.insert(RETRY_AFTER, HeaderValue::from_static("Fri, 31 Dec 1999 23:59:59 GMT"));
/// headers.insert(DATE, HeaderValue::from_static("Fri, 31 Dec 1999 23:59:49 GMT"));
/// let asked = midil_http_core::retry_after(&headers, SystemTime::now);
/// assert_eq!(asked, Some(Duration::from_secs(10)));
/// ```
pub fn retry_after(headers: &HeaderMap, now: impl FnOnce() -> SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than anyone waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let date =
        |name: HeaderName| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok();
    let from = date(header::DATE).unwrap_or_else(now);
    Some(at.duration_since(from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(value: &'static str, date: Option<&'static str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        if let Some(date) = date {
            headers.insert(header::DATE, HeaderValue::from_static(date));
        }
        // Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110.
        retry_after(&headers, || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn seconds() {
        assert_eq!(asked("120", None), Some(Duration::from_secs(120)));
        assert_eq!(asked("0", None), Some(Duration::ZERO));
        assert_eq!(asked(" 7 ", None), Some(Duration::from_secs(7)));
        assert_eq!(asked("99999999999999999999999999", None), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn the_three_forms_of_a_date() {
        for date in [
            "Sun, 06 Nov 1994 08:50:37 GMT",
            "Sunday, 06-Nov-94 08:50:37 GMT",
            "Sun Nov  6 08:50:37 1994",
        ] {
            assert_eq!(asked(date, None), Some(Duration::from_secs(60)), "{date}");
        }
    }

    #[test]
    fn a_skewed_clock_cancels_out() {
        let skewed = asked("Sun, 06 Nov 2044 08:49:42 GMT", Some("Sun, 06 Nov 2044 08:49:37 GMT"));
        assert_eq!(skewed, Some(Duration::from_secs(5)));
        let bad_date = asked("Sun, 06 Nov 1994 08:50:37 GMT", Some("yesterday"));
        assert_eq!(
            bad_date,
            Some(Duration::from_secs(60)),
            "a Date that is no date is as good as none"
        );
    }

    #[test]
    fn the_past_is_now() {
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:36 GMT", None), Some(Duration::ZERO));
    }

    #[test]
    fn garbage_is_absent() {
        for garbage in [
            "",
            " ",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "soon",
            "0x10",
            "1, 2",
            "Sun, 99 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(asked(garbage, None), None, "{garbage:?}");
        }
    }
}
