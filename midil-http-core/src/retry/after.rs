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
mod tests;
