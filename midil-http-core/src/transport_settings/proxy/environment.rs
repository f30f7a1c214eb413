//! What the environment says of proxies.

use std::ffi::OsString;
use std::sync::Arc;

use super::{Proxy, ProxyMatcher};
use crate::{BuildError, Error};

/// The proxies of the environment that `lookup` stands for.
pub(super) fn matcher(lookup: impl Fn(&str) -> Option<OsString>) -> Result<ProxyMatcher, Error> {
    let text = |name: &str| -> Result<Option<String>, BuildError> {
        let Some(value) = lookup(name) else { return Ok(None) };
        let value = value
            .into_string()
            .map_err(|_| BuildError::new(name, "is not valid UTF-8: set it anew or unset it"))?;
        Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty()))
    };
    let proxy = |names: &[&str]| -> Result<Option<Arc<Proxy>>, BuildError> {
        for name in names {
            if let Some(value) = text(name)? {
                return Proxy::named(name, &value).map(|proxy| Some(Arc::new(proxy)));
            }
        }
        Ok(None)
    };
    let in_cgi = lookup("REQUEST_METHOD").is_some();
    let http = proxy(if in_cgi { &["http_proxy"] } else { &["http_proxy", "HTTP_PROXY"] })?;
    let https = proxy(&["https_proxy", "HTTPS_PROXY"])?;
    let all =
        if http.is_some() && https.is_some() { None } else { proxy(&["all_proxy", "ALL_PROXY"])? };
    let no_proxy = match text("no_proxy")? {
        Some(hosts) => Some(hosts),
        None => text("NO_PROXY")?,
    };
    Ok(ProxyMatcher::new(
        http.or_else(|| all.clone()),
        https.or(all),
        no_proxy.as_deref().into_iter(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &'static [(&'static str, &'static str)]) -> Result<ProxyMatcher, Error> {
        matcher(move |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    /// The proxy for a URL, as `host:port`.
    fn chosen(matcher: &ProxyMatcher, url: &str) -> Option<String> {
        let proxy = matcher.proxy_for(&url.parse().unwrap())?;
        Some(format!("{}:{}", proxy.url().host_str()?, proxy.url().port_or_known_default()?))
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_is_the_rest() {
        let proxies = with(&[("https_proxy", "http://secure:1"), ("ALL_PROXY", "rest:2")]).unwrap();
        assert_eq!(chosen(&proxies, "https://a.test/").unwrap(), "secure:1");
        assert_eq!(chosen(&proxies, "http://a.test/").unwrap(), "rest:2");
        assert!(!with(&[("all_proxy", "rest")]).unwrap().is_empty());
        assert!(with(&[]).unwrap().is_empty());
    }

    #[test]
    fn small_letters_win_and_what_is_empty_is_unset() {
        let both = with(&[("http_proxy", "small"), ("HTTP_PROXY", "capital")]).unwrap();
        assert_eq!(chosen(&both, "http://a.test/").unwrap(), "small:80");
        let empty = with(&[("http_proxy", " "), ("HTTP_PROXY", "capital")]).unwrap();
        assert_eq!(chosen(&empty, "http://a.test/").unwrap(), "capital:80");
        assert_eq!(chosen(&empty, "https://a.test/"), None);
    }

    #[test]
    fn a_cgi_script_does_not_believe_a_header() {
        let cgi = with(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil")]).unwrap();
        assert!(cgi.is_empty());
        let cgi = with(&[("REQUEST_METHOD", "GET"), ("http_proxy", "good")]).unwrap();
        assert!(!cgi.is_empty());
    }

    #[test]
    fn what_is_no_proxy_is_named_without_its_password() {
        for (value, why) in [
            ("socks5://user:hunter2@proxy:1080", "only proxies over plain http"),
            ("http://user:hunter2@/", "cannot be"),
            ("http://user:hunter2@pro xy", "cannot be"),
        ] {
            let variables: &'static [(&str, &str)] = Box::leak(Box::new([("ALL_PROXY", value)]));
            let error = with(variables).map(drop).unwrap_err().to_string();
            assert!(error.starts_with("ALL_PROXY ") && error.contains(why), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn no_proxy_is_heeded() {
        let proxies = with(&[("ALL_PROXY", "proxy"), ("NO_PROXY", "a.test, 10.0.0.0/8")]).unwrap();
        assert_eq!(chosen(&proxies, "https://a.test/"), None);
        assert_eq!(chosen(&proxies, "https://10.1.2.3/"), None);
        assert!(chosen(&proxies, "https://b.test/").is_some());
    }
}
