//! What a `Set-Cookie` line comes to ([RFC 6265, section 5.3](https://www.rfc-editor.org/rfc/rfc6265#section-5.3), and what
//! RFC 6265bis adds).

use std::time::SystemTime;

use cookie_store::{CookieDomain, RawCookie};
use url::Url;

use super::cookie::Cookie;
use super::{lifetime, site};

/// The most that name and value have together (RFC 6265bis, section 5.6).
pub(super) const LARGEST: usize = 4096;
/// The longest attribute that counts.
const LONGEST_ATTRIBUTE: usize = 1024;

/// The cookie that `url` sets by `line`; or why it may not.
pub(super) fn receive(url: &Url, line: &str, now: SystemTime) -> Result<Cookie, &'static str> {
    if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err("has a control character: encode it");
    }
    let mut raw = RawCookie::parse(line).map_err(|_| "has no name: write name=value")?;
    check_size(raw.name(), raw.value())?;
    if raw.domain().is_some_and(|domain| domain.len() > LONGEST_ATTRIBUTE) {
        raw.unset_domain();
    }
    if raw.path().is_some_and(|path| path.len() > LONGEST_ATTRIBUTE) {
        raw.unset_path();
    }
    // The lifetime is read by `lifetime`, on the jar's clock.
    raw.set_max_age(None);
    raw.unset_expires();
    let scoped = cookie_store::Cookie::try_from_raw_cookie(&raw, url)
        .map_err(|_| "is for a domain that its server is not in: leave Domain out")?;
    let cookie = Cookie {
        name: raw.name().to_owned(),
        value: raw.value().into(),
        domain: domain(url, scoped.domain)?,
        path: scoped.path,
        secure: raw.secure().unwrap_or(false),
        http_only: raw.http_only().unwrap_or(false),
        expires: lifetime::expires(line, now),
        created: 0,
        used: 0,
    };
    if cookie.secure && !site::is_secure(url) {
        return Err("is Secure and came without: use https");
    }
    check_prefix(&cookie)?;
    Ok(cookie)
}

/// The domain of a cookie, but for those whose owner cannot be told (RFC 6265, section 5.3, step 5).
fn domain(url: &Url, domain: CookieDomain) -> Result<CookieDomain, &'static str> {
    let CookieDomain::Suffix(suffix) = domain else { return Ok(domain) };
    let host = url.host_str().unwrap_or_default();
    if suffix == host && (site::is_address(host) || site::is_public_suffix(host)) {
        return Ok(CookieDomain::HostOnly(suffix));
    }
    if site::is_public_suffix(&suffix) {
        return Err("is for a public suffix, which is no one's: name a domain below it");
    }
    Ok(CookieDomain::Suffix(suffix))
}

pub(super) const fn check_size(name: &str, value: &str) -> Result<(), &'static str> {
    if name.len() + value.len() > LARGEST {
        return Err("has more than 4096 bytes");
    }
    Ok(())
}

/// Names that promise how the cookie was set (RFC 6265bis, section 4.1.3).
pub(super) fn check_prefix(cookie: &Cookie) -> Result<(), &'static str> {
    let has = |prefix: &str| {
        cookie.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if has("__Secure-") && !cookie.secure {
        return Err("is named __Secure- and is not Secure");
    }
    let of_host = cookie.secure && cookie.is_host_only() && *cookie.path == *"/";
    if has("__Host-") && !(of_host && cookie.path.is_from_path_attr()) {
        return Err("is named __Host- and is not Secure, or not of Path=/, or has a Domain");
    }
    Ok(())
}
