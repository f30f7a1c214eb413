//! [`Origin`]: scheme, host and port.

use std::fmt;

use url::{Position, Url};

use crate::BuildError;

/// Scheme, host and port of a URL, as one comparable text.
///
/// A URL parser normalises all three, so comparing two origins is comparing bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    pub(crate) fn of(url: &Url) -> Self {
        Self(format!(
            "{}{}",
            &url[..Position::BeforeUsername],
            &url[Position::BeforeHost..Position::AfterPort]
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses an origin that a caller names; a path is allowed and ignored.
    pub(crate) fn parse(setting: &str, text: &str) -> Result<Self, BuildError> {
        Self::parse_url(setting, text).map(|(_, origin)| origin)
    }

    fn parse_url(setting: &str, text: &str) -> Result<(Url, Self), BuildError> {
        let problem = |why: String| {
            BuildError::new(
                setting,
                format!("cannot be \"{}\": {why}", crate::redact::url_text(text)),
            )
        };
        let url = Url::parse(text)
            .map_err(|error| problem(format!("{error}; give an http or https URL")))?;
        check(&url).map_err(|why| problem(why.to_owned()))?;
        let origin = Self::of(&url);
        Ok((url, origin))
    }

    /// Whether `url` has this origin. Userinfo makes it another.
    pub(crate) fn is_of(&self, url: &Url) -> bool {
        // Where the port ends, as a URL with a host has nothing in between; but nobody counts that port's digits.
        url[..Position::BeforePath] == self.0
    }

    /// Whether credentials would travel in the clear, beyond this machine.
    pub(crate) fn is_plain_remote(&self) -> bool {
        let Some(rest) = self.0.strip_prefix("http://") else { return false };
        let host = rest.rsplit_once(':').map_or(rest, |(host, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { rest }
        });
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        !(host == "localhost"
            || host.ends_with(".localhost")
            || ip.is_ok_and(|ip| ip.is_loopback()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses a URL that a secret is sent to: https, unless the host is this machine; no userinfo.
///
/// # Errors
///
/// [`BuildError`], naming `setting`, without what may be secret in `text`.
///
/// # Examples
///
/// ```
/// use midil_http_core::credential_url;
///
/// assert!(credential_url("token_url", "https://login.example.com/oauth2/token").is_ok());
/// assert!(credential_url("token_url", "http://127.0.0.1:8080/token").is_ok());
/// let error = credential_url("token_url", "http://login.example.com/token").unwrap_err();
/// assert!(error.to_string().starts_with("token_url cannot be \"http://login.example.com/token\""));
/// ```
pub fn credential_url(setting: &str, text: &str) -> Result<Url, BuildError> {
    let (url, origin) = Origin::parse_url(setting, text)?;
    if origin.is_plain_remote() {
        let shown = crate::redact::url_text(text);
        let problem =
            format!("cannot be \"{shown}\": secrets would travel in the clear; give an https URL");
        return Err(BuildError::new(setting, problem));
    }
    Ok(url)
}

/// Whether a client can call this URL at all; the answer says why not.
pub(crate) fn check(url: &Url) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        Err("only http and https can be called")
    } else if !url.username().is_empty() || url.password().is_some() {
        Err(
            "userinfo in a URL ends up in logs: give credentials by `auth` or by settings of their own",
        )
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::parse("origin", url).unwrap()
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let api = origin("https://API.example.com:443/v1");
        assert_eq!(api.to_string(), "https://api.example.com");
        for (url, same) in [
            ("https://api.example.com/", true),
            ("https://api.example.com:443/x?y#z", true),
            ("http://api.example.com/", false),
            ("https://api.example.com:8443/", false),
            ("https://api.example.com.evil.test/", false),
            ("https://evil.test/https://api.example.com", false),
            ("https://api.example.com@evil.test/", false),
            ("https://user@api.example.com/", false),
        ] {
            assert_eq!(api.is_of(&Url::parse(url).unwrap()), same, "{url}");
        }
    }

    #[test]
    fn loopback_needs_no_tls() {
        for (url, exposed) in [
            ("http://api.example.com/", true),
            ("http://10.0.0.1:8080/", true),
            ("http://[2001:db8::1]:80/", true),
            ("http://localhost.evil.test/", true),
            ("http://127.0.0.1.evil.test/", true),
            ("https://api.example.com/", false),
            ("http://localhost:3000/", false),
            ("http://127.0.0.1:3000/", false),
            ("http://127.9.9.9/", false),
            ("http://[::1]:3000/", false),
            ("http://[::1]/", false),
        ] {
            assert_eq!(origin(url).is_plain_remote(), exposed, "{url}");
        }
    }
}
