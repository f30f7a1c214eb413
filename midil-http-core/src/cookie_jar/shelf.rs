//! [`Shelf`]: the cookies of a jar in their order, within bounds.

use std::collections::HashMap;
use std::time::SystemTime;

use url::Url;

use super::cookie::Cookie;
use super::site;

/// The most cookies of a domain, and the most in all (RFC 6265, section 6.1): what a server can make a jar keep is bounded.
pub(super) const OF_A_DOMAIN: usize = 50;
pub(super) const IN_ALL: usize = 3000;

/// Cookies by site, so that finding those of a URL takes no longer for those of others.
#[derive(Default)]
pub(super) struct Shelf {
    sites: HashMap<String, Vec<Cookie>>,
    count: usize,
    /// How many events there were: the time by which cookies are older and younger.
    clock: u64,
}

impl Shelf {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn clear(&mut self) {
        self.sites.clear();
        self.count = 0;
    }

    /// Keeps a cookie, or removes what it replaces if it has expired.
    pub(super) fn put(&mut self, mut cookie: Cookie, now: SystemTime) {
        self.clock += 1;
        (cookie.created, cookie.used) = (self.clock, self.clock);
        let site = site::of_host(cookie.domain()).to_owned();
        let cookies = self.sites.entry(site.clone()).or_default();
        let before = cookies.len();
        if let Some(old) = cookies.iter().position(|old| old.is_same_as(&cookie)) {
            cookie.created = cookies.swap_remove(old).created;
        }
        if !cookie.is_expired(now) {
            make_room(cookies, &cookie, now);
            cookies.push(cookie);
        }
        self.count = self.count - before + cookies.len();
        if cookies.is_empty() {
            self.sites.remove(&site);
        }
        while self.count > IN_ALL {
            self.shrink(now);
        }
    }

    /// Whether setting `cookie` over a connection that is not secure would hide or replace one that is Secure (RFC 6265bis,
    /// section 5.7).
    pub(super) fn overlays_secure(&self, cookie: &Cookie, now: SystemTime) -> bool {
        let below = |domain: &str, above: &str| {
            domain.strip_suffix(above).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let path_matches = |path: &str, above: &str| {
            path.strip_prefix(above).is_some_and(|rest| {
                rest.is_empty() || above.ends_with('/') || rest.starts_with('/')
            })
        };
        self.of_site(cookie.domain()).iter().any(|old| {
            old.secure
                && !old.is_expired(now)
                && old.name == cookie.name
                && (below(old.domain(), cookie.domain()) || below(cookie.domain(), old.domain()))
                && path_matches(cookie.path(), old.path())
        })
    }

    /// The cookies that go to `url`, in the order in which they are sent: longer paths first, then older ones (RFC 6265,
    /// section 5.4).
    pub(super) fn matching(&mut self, url: &Url, now: SystemTime) -> Vec<&Cookie> {
        let Some(cookies) = url.host_str().and_then(|host| self.sites.get_mut(site::of_host(host)))
        else {
            return Vec::new();
        };
        self.clock += 1;
        let mut found = Vec::new();
        for cookie in cookies {
            if !cookie.is_expired(now) && cookie.belongs_to(url) {
                cookie.used = self.clock;
                found.push(&*cookie);
            }
        }
        found.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        found
    }

    /// Removes the cookies that go to `url` and have that name; tells whether there was one.
    pub(super) fn remove(&mut self, url: &Url, name: &str) -> bool {
        let site = url.host_str().map(site::of_host).unwrap_or_default();
        let Some(cookies) = self.sites.get_mut(site) else { return false };
        let before = cookies.len();
        cookies.retain(|cookie| cookie.name != name || !cookie.belongs_to(url));
        let removed = before - cookies.len();
        self.count -= removed;
        if cookies.is_empty() {
            self.sites.remove(site);
        }
        removed > 0
    }

    /// All that have not expired, the oldest first.
    pub(super) fn all(&self, now: SystemTime) -> Vec<Cookie> {
        let all = self.sites.values().flatten();
        let mut all: Vec<_> = all.filter(|cookie| !cookie.is_expired(now)).cloned().collect();
        all.sort_by_key(|cookie| cookie.created);
        all
    }

    fn of_site(&self, host: &str) -> &[Cookie] {
        self.sites.get(site::of_host(host)).map_or(&[], Vec::as_slice)
    }

    /// Drops a cookie of the site that has most, so that nobody pushes out those of others.
    fn shrink(&mut self, now: SystemTime) {
        let Some((_, cookies)) = self.sites.iter_mut().max_by_key(|(_, cookies)| cookies.len())
        else {
            return;
        };
        let before = cookies.len();
        drop_one(cookies, |_| true, now);
        self.count -= before - cookies.len();
    }
}

/// Makes room for one more of the same domain.
fn make_room(cookies: &mut Vec<Cookie>, cookie: &Cookie, now: SystemTime) {
    let of_domain = |other: &Cookie| other.domain() == cookie.domain();
    while cookies.iter().filter(|other| of_domain(other)).count() >= OF_A_DOMAIN {
        drop_one(cookies, of_domain, now);
    }
}

/// Drops what has expired, or else what was not used for longest.
fn drop_one(cookies: &mut Vec<Cookie>, among: impl Fn(&Cookie) -> bool, now: SystemTime) {
    let before = cookies.len();
    cookies.retain(|cookie| !(among(cookie) && cookie.is_expired(now)));
    if cookies.len() < before {
        return;
    }
    let oldest = (0..cookies.len())
        .filter(|index| among(&cookies[*index]))
        .min_by_key(|index| cookies[*index].used);
    if let Some(oldest) = oldest {
        cookies.swap_remove(oldest);
    }
}
