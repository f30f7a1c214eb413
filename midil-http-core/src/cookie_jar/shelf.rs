//! [`Shelf`]: the cookies of a jar in their order, within bounds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use url::Url;

use super::cookie::Cookie;
use super::site;

/// The most cookies of a domain, and the most in all (RFC 6265, section 6.1): what a server can make a jar keep is bounded.
pub(super) const OF_A_DOMAIN: usize = 50;
pub(super) const IN_ALL: usize = 3000;

/// Cookies by site, so that finding those of a URL takes no longer for those of others. No site is without one.
#[derive(Default)]
pub(super) struct Shelf {
    sites: HashMap<Arc<str>, Site>,
    /// Which site loses a cookie first: the last of these. It is as it was when a site last gained or lost one. Use since then
    /// can only have moved a site forward, which is looked at when it is its turn, so that no use of a cookie pays for it.
    ranking: BTreeMap<Rank, Arc<str>>,
    count: usize,
    /// How many events there were: the time by which cookies are older and younger.
    clock: u64,
}

/// The cookies of a site, and where it stands in the ranking.
struct Site {
    cookies: Vec<Cookie>,
    rank: Rank,
}

/// How many cookies a site has, and for how long one of them was not used. No two sites have the same: an event is about one.
type Rank = (usize, Reverse<u64>);

fn rank(cookies: &[Cookie]) -> Rank {
    (cookies.len(), Reverse(cookies.iter().map(|cookie| cookie.used).min().unwrap_or_default()))
}

impl Shelf {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn clear(&mut self) {
        self.sites.clear();
        self.ranking.clear();
        self.count = 0;
    }

    /// Keeps a cookie, or removes what it replaces if it has expired.
    pub(super) fn put(&mut self, mut cookie: Cookie, now: SystemTime) {
        self.clock += 1;
        (cookie.created, cookie.used) = (self.clock, self.clock);
        let host = site::of_host(cookie.domain());
        let (site, mut cookies) = self.take(host).unwrap_or_else(|| (host.into(), Vec::new()));
        if let Some(old) = cookies.iter().position(|old| old.is_same_as(&cookie)) {
            cookie.created = cookies.swap_remove(old).created;
        }
        if !cookie.is_expired(now) {
            make_room(&mut cookies, &cookie, now);
            cookies.push(cookie);
        }
        self.put_back(site, cookies);
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
        let Some(site) = url.host_str().and_then(|host| self.sites.get_mut(site::of_host(host)))
        else {
            return Vec::new();
        };
        self.clock += 1;
        let mut found = Vec::new();
        for cookie in &mut site.cookies {
            if !cookie.is_expired(now) && cookie.belongs_to(url) {
                cookie.used = self.clock;
                found.push(&*cookie);
            }
        }
        found.sort_by_key(|cookie| (Reverse(cookie.path.len()), cookie.created));
        found
    }

    /// Removes the cookies that go to `url` and have that name; tells whether there was one.
    pub(super) fn remove(&mut self, url: &Url, name: &str) -> bool {
        let site = url.host_str().map(site::of_host).unwrap_or_default();
        let Some((site, mut cookies)) = self.take(site) else { return false };
        let before = self.count + cookies.len();
        cookies.retain(|cookie| cookie.name != name || !cookie.belongs_to(url));
        self.put_back(site, cookies);
        self.count < before
    }

    /// All that have not expired, the oldest first.
    pub(super) fn all(&self, now: SystemTime) -> Vec<Cookie> {
        let all = self.sites.values().flat_map(|site| &site.cookies);
        let mut all: Vec<_> = all.filter(|cookie| !cookie.is_expired(now)).cloned().collect();
        all.sort_by_key(|cookie| cookie.created);
        all
    }

    fn of_site(&self, host: &str) -> &[Cookie] {
        self.sites.get(site::of_host(host)).map_or(&[], |site| site.cookies.as_slice())
    }

    /// Takes a site out, to be changed and put back.
    fn take(&mut self, site: &str) -> Option<(Arc<str>, Vec<Cookie>)> {
        let (name, Site { cookies, rank }) = self.sites.remove_entry(site)?;
        self.ranking.remove(&rank);
        self.count -= cookies.len();
        Some((name, cookies))
    }

    /// Puts a site back where it stands now, unless it has nothing left.
    fn put_back(&mut self, site: Arc<str>, cookies: Vec<Cookie>) {
        if cookies.is_empty() {
            return;
        }
        self.count += cookies.len();
        let rank = rank(&cookies);
        self.ranking.insert(rank, Arc::clone(&site));
        self.sites.insert(site, Site { cookies, rank });
    }

    /// Drops a cookie of the site that has most, so that nobody pushes out those of others; of several, of the one with the
    /// cookie that was not used for longest. Or finds that the site was used since it was ranked, and ranks it anew.
    fn shrink(&mut self, now: SystemTime) {
        let Some((ranked, site)) = self.ranking.last_key_value() else { return };
        let (ranked, site) = (*ranked, Arc::clone(site));
        let Some((site, mut cookies)) = self.take(&site) else { return };
        if rank(&cookies) == ranked {
            drop_one(&mut cookies, |_| true, now);
        }
        self.put_back(site, cookies);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie_jar::received::receive;

    fn url(site: usize) -> Url {
        Url::parse(&format!("https://site{site}.example/")).unwrap()
    }

    fn put(shelf: &mut Shelf, site: usize, line: &str) {
        let now = SystemTime::UNIX_EPOCH;
        shelf.put(receive(&url(site), line, now).unwrap(), now);
    }

    fn has(shelf: &mut Shelf, site: usize) -> bool {
        !shelf.matching(&url(site), SystemTime::UNIX_EPOCH).is_empty()
    }

    #[test]
    fn sites_without_end_leave_nothing_behind_and_the_newest_cookie_stays() {
        let mut shelf = Shelf::default();
        for site in 0..10_000 {
            put(&mut shelf, site, "a=1");
            assert!(has(&mut shelf, site), "{site}");
            assert_eq!(shelf.sites.len(), shelf.len(), "{site}");
        }
        assert_eq!(shelf.len(), IN_ALL);
        // What went is what was not used for longest.
        assert!(!has(&mut shelf, 10_000 - IN_ALL - 1) && has(&mut shelf, 10_000 - IN_ALL));
    }

    #[test]
    fn of_sites_that_have_as_many_the_one_that_was_not_used_for_longest_loses_one() {
        let mut shelf = Shelf::default();
        for site in 0..IN_ALL {
            put(&mut shelf, site, "a=1");
        }
        assert!(has(&mut shelf, 0) && has(&mut shelf, 1));
        put(&mut shelf, IN_ALL, "a=1");
        assert!(!has(&mut shelf, 2) && has(&mut shelf, 0) && has(&mut shelf, 1));
        // One with two has more than all others, however much it is used.
        put(&mut shelf, 0, "b=1");
        put(&mut shelf, 2, "a=1");
        let left = shelf.matching(&url(0), SystemTime::UNIX_EPOCH);
        assert_eq!(left.iter().map(|cookie| cookie.name()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(shelf.len(), IN_ALL);
    }
}
