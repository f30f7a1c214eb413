//! [`ProxyMatcher`]: which URL goes through which proxy.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use url::{Host, Url};

use super::Proxy;

/// Decides which proxy a URL is reached through: for transports.
///
/// A URL is reached directly when an entry of `NO_PROXY` matches it. Entries are separated by commas or white space:
///
/// | entry | matches |
/// |---|---|
/// | `*` | everything |
/// | `example.com`, `.example.com` | that host and the hosts below it |
/// | `10.1.2.3`, `::1` | that address |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses of that network |
/// | any of them with `:port` | the same at that port; an IPv6 address in brackets |
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyMatcher {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    direct: Vec<Entry>,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// This domain, and those below it.
    Domain(String),
    Network(IpNet),
}

impl ProxyMatcher {
    pub(super) fn new<'a>(
        http: Option<Arc<Proxy>>,
        https: Option<Arc<Proxy>>,
        no_proxy: impl Iterator<Item = &'a str>,
    ) -> Self {
        let separator = |letter: char| letter == ',' || letter.is_whitespace();
        let entries =
            no_proxy.flat_map(|list| list.split(separator)).filter(|entry| !entry.is_empty());
        Self { http, https, direct: entries.map(Entry::parse).collect() }
    }

    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn of(proxy: &Proxy) -> Self {
        let no_proxy = proxy.no_proxy.iter().map(String::as_str);
        let shared = Arc::new(proxy.clone());
        Self::new(Some(Arc::clone(&shared)), Some(shared), no_proxy)
    }

    /// Whether no URL goes through a proxy, so that nobody need ask.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy that `url` is reached through; `None` for directly.
    #[must_use]
    pub fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let proxy = proxy.as_deref()?;
        let direct = self.direct.iter().any(|entry| entry.matches(url));
        (!direct).then_some(proxy)
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        let address = |text: &str| {
            let bare =
                text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
            bare.parse::<IpAddr>().map(IpNet::from).or_else(|_| bare.parse::<IpNet>()).ok()
        };
        let (hosts, port) = match text.rsplit_once(':') {
            Some((host, port)) if address(text).is_none() => match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (text, None),
            },
            _ => (text, None),
        };
        let hosts = match address(hosts) {
            _ if hosts == "*" => Hosts::All,
            Some(network) => Hosts::Network(network),
            None => {
                let domain =
                    hosts.strip_prefix("*.").or_else(|| hosts.strip_prefix('.')).unwrap_or(hosts);
                Hosts::Domain(domain.trim_end_matches('.').to_ascii_lowercase())
            }
        };
        Self { hosts, port }
    }

    fn matches(&self, url: &Url) -> bool {
        if self.port.is_some_and(|port| url.port_or_known_default() != Some(port)) {
            return false;
        }
        match (&self.hosts, url.host()) {
            (Hosts::All, _) => true,
            (Hosts::Network(network), Some(Host::Ipv4(ip))) => network.contains(&IpAddr::V4(ip)),
            (Hosts::Network(network), Some(Host::Ipv6(ip))) => network.contains(&IpAddr::V6(ip)),
            (Hosts::Domain(domain), Some(Host::Domain(host))) => host
                .trim_end_matches('.')
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_direct(no_proxy: &str, url: &str) -> bool {
        let proxy = Proxy::try_new("http://proxy:3128").unwrap().no_proxy([no_proxy]);
        ProxyMatcher::of(&proxy).proxy_for(&url.parse().unwrap()).is_none()
    }

    #[test]
    fn entries_match_hosts_domains_addresses_networks_and_ports() {
        for (entry, direct, proxied) in [
            ("*", &["http://a.test/", "https://10.0.0.1/"][..], &[][..]),
            (
                "a.test",
                &["https://a.test/", "http://b.A.test/", "http://a.test./"],
                &["http://ba.test/", "http://test/"],
            ),
            (".a.test", &["http://a.test/", "http://b.a.test/"], &["http://a.test.evil/"]),
            ("*.a.test", &["http://b.a.test/"], &["http://c.test/"]),
            ("10.1.2.3", &["http://10.1.2.3:8080/"], &["http://10.1.2.4/"]),
            (
                "10.0.0.0/8",
                &["http://10.255.0.1/"],
                &["http://11.0.0.1/", "http://10.0.0.1.a.test/"],
            ),
            ("::1", &["http://[::1]/"], &["http://[::2]/"]),
            ("[::1]:8080", &["http://[::1]:8080/"], &["http://[::1]/"]),
            ("fd00::/8", &["http://[fd12::1]/"], &["http://[fe80::1]/"]),
            ("a.test:8080", &["http://a.test:8080/"], &["http://a.test/", "https://a.test/"]),
            ("a.test:443", &["https://a.test/"], &["http://a.test/"]),
            (
                "b.test c.test,,d.test",
                &["http://b.test/", "http://c.test/", "http://d.test/"],
                &["http://a.test/"],
            ),
            ("", &[], &["http://a.test/"]),
        ] {
            for url in direct {
                assert!(is_direct(entry, url), "{entry} {url}");
            }
            for url in proxied {
                assert!(!is_direct(entry, url), "{entry} {url}");
            }
        }
    }

    #[test]
    fn a_proxy_hides_its_credentials() {
        let proxy = Proxy::try_new("http://svc:hunt%40er2@proxy:3128/").unwrap();
        assert_eq!(proxy.url().as_str(), "http://proxy:3128/");
        let (user, password) = proxy.credentials().unwrap();
        assert_eq!((user, password.expose()), ("svc", "hunt@er2"));
        assert_eq!(proxy.authorization().unwrap(), "Basic c3ZjOmh1bnRAZXIy");
        let shown = format!("{proxy:?} {:?}", ProxyMatcher::of(&proxy));
        assert!(!shown.contains("hunt") && !shown.contains("c3Zj"), "{shown}");
    }
}
