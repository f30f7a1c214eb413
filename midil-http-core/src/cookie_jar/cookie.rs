//! [`Cookie`]: one that a jar keeps.

use std::fmt;
use std::time::SystemTime;

use cookie_store::{CookieDomain, CookiePath};
use url::Url;

use super::site;
use crate::Secret;

/// A cookie of a [`CookieJar`](crate::CookieJar): what a server set, and where it belongs.
///
/// `Debug` shows everything but its value.
///
/// # Examples
///
/// ```
/// use midil_http_core::CookieJar;
///
/// let jar = CookieJar::new();
/// jar.add("https://api.example.com/", "session=hunter2; Path=/v1; Secure")?;
/// let cookie = jar.get("https://api.example.com/v1/users", "session").unwrap();
/// assert_eq!((cookie.domain(), cookie.path(), cookie.value()), ("api.example.com", "/v1", "hunter2"));
/// assert!(cookie.is_host_only() && cookie.is_secure() && !cookie.is_http_only() && cookie.expires().is_none());
/// assert!(!format!("{cookie:?}").contains("hunter2"));
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Cookie {
    pub(super) name: String,
    pub(super) value: Secret,
    /// Of the kinds that name a domain.
    pub(super) domain: CookieDomain,
    pub(super) path: CookiePath,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) expires: Option<SystemTime>,
    /// How many cookies the jar had seen before: the first of that identity counts.
    pub(super) created: u64,
    /// The same for when it was last set or sent.
    pub(super) used: u64,
}

impl Cookie {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value, which may be a secret: keep it out of logs.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.expose()
    }

    /// The host that it goes to, with all below it unless it [is for that host alone](Self::is_host_only).
    #[must_use]
    pub fn domain(&self) -> &str {
        match &self.domain {
            CookieDomain::HostOnly(domain) | CookieDomain::Suffix(domain) => domain,
            CookieDomain::NotPresent | CookieDomain::Empty => "",
        }
    }

    /// Whether it goes to no host but [`domain`](Self::domain) itself.
    #[must_use]
    pub const fn is_host_only(&self) -> bool {
        matches!(self.domain, CookieDomain::HostOnly(_))
    }

    /// The path that it goes to, with all below it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it goes to https alone, this machine excepted.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether its server wanted it hidden from scripts in browsers.
    #[must_use]
    pub const fn is_http_only(&self) -> bool {
        self.http_only
    }

    /// When it expires; `None` for a cookie of the session.
    #[must_use]
    pub const fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    pub(super) fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// Whether it goes to `url`, for as long as it lives (RFC 6265, section 5.4, step 1).
    pub(super) fn belongs_to(&self, url: &Url) -> bool {
        self.domain.matches(url) && self.path.matches(url) && (!self.secure || site::is_secure(url))
    }

    /// Whether setting one is setting the other anew (RFC 6265bis, section 5.7).
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.domain == other.domain && *self.path == *other.path
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &self.name)
            .field("domain", &self.domain())
            .field("host_only", &self.is_host_only())
            .field("path", &&*self.path)
            .field("secure", &self.secure)
            .field("http_only", &self.http_only)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
