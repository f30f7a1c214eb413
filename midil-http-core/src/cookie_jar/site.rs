//! What the rules of cookies ask of hosts: whether they are public suffixes, which belong together, which are reached safely.

use url::{Host, Url};

/// Whether anybody can get a name below `domain`: a cookie for all of those would reach strangers.
///
/// By the public suffix list, and by its rule for what it does not list: the last label is a suffix, so that `Domain=internal`
/// is one, and `corp.internal` is not.
pub(super) fn is_public_suffix(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    psl::suffix_str(domain).is_none_or(|suffix| suffix == domain)
}

/// What all hosts that can share a cookie have in common: the part of the name that somebody registered.
pub(super) fn of_host(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    if is_address(host) { host } else { psl::domain_str(host).unwrap_or(host) }
}

/// Whether a host, as URLs have it, is an IP address.
pub(super) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Whether nobody on the way can read or change what goes to `url`: https, or this machine.
pub(super) fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
        || url.host().is_some_and(|host| match host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_public_and_names_below_them_are_not() {
        for suffix in [
            "com",
            "co.uk",
            "github.io",
            "com.",
            "s3.amazonaws.com",
            "x.kawasaki.jp",
            "internal",
            "localhost",
            "xn--55qx5d.cn",
            "xn--p1ai",
        ] {
            assert!(is_public_suffix(suffix), "{suffix}");
        }
        for name in
            ["example.com", "example.co.uk", "me.github.io", "city.kawasaki.jp", "corp.internal"]
        {
            assert!(!is_public_suffix(name), "{name}");
        }
    }

    #[test]
    fn hosts_of_one_owner_are_one_site() {
        for (host, site) in [
            ("api.example.com", "example.com"),
            ("example.com", "example.com"),
            ("api.example.com.", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("me.github.io", "me.github.io"),
            ("github.io", "github.io"),
            ("com", "com"),
            ("localhost", "localhost"),
            ("a.corp.internal", "corp.internal"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(of_host(host), site, "{host}");
        }
    }

    #[test]
    fn https_and_this_machine_are_secure() {
        for (url, secure) in [
            ("https://example.com/", true),
            ("http://example.com/", false),
            ("http://localhost:8080/", true),
            ("http://app.localhost/", true),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1/", true),
            ("http://[::1]/", true),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_secure(&Url::parse(url).unwrap()), secure, "{url}");
        }
    }
}
