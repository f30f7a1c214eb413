//! [`ProxySettings`]: through which proxy a transport reaches which server.

mod environment;
mod matcher;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use url::Url;
use zeroize::Zeroizing;

pub use matcher::ProxyMatcher;

use crate::{BuildError, Error, Secret, redact};

/// Which proxy exchanges go through.
///
/// All transports decide by [`ProxyMatcher`], so that they decide alike.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Proxy, ProxySettings, TransportSettings};
///
/// let mut settings = TransportSettings::default();
/// let proxy = Proxy::try_new("http://proxy.example.com:3128")?.basic_auth("svc", "hunter2").no_proxy(["internal.example.com"]);
/// settings.proxy = ProxySettings::Explicit(proxy);
///
/// let matcher = settings.proxy.matcher()?;
/// assert!(matcher.proxy_for(&"https://api.example.com/".parse()?).is_some());
/// assert!(matcher.proxy_for(&"https://db.internal.example.com/".parse()?).is_none());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxySettings {
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say when the transport is built, in capitals or not.
    ///
    /// The names in small letters win. `HTTP_PROXY` in capitals is not looked at where `REQUEST_METHOD` is set: in a CGI
    /// script, whoever sends a `Proxy` header sets it.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Disabled,
    /// This one, whatever the environment says.
    Explicit(Proxy),
}

impl ProxySettings {
    /// Decides for each URL: for transports, when they are built.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable whose value is no proxy.
    pub fn matcher(&self) -> Result<ProxyMatcher, Error> {
        match self {
            Self::Environment => environment::matcher(|name| std::env::var_os(name)),
            Self::Disabled => Ok(ProxyMatcher::none()),
            Self::Explicit(proxy) => Ok(ProxyMatcher::of(proxy)),
        }
    }
}

impl From<Proxy> for ProxySettings {
    fn from(proxy: Proxy) -> Self {
        Self::Explicit(proxy)
    }
}

/// One proxy: where it is, who we are to it, and which servers are reached without it.
///
/// Requests over plain http go to the proxy as they are, those over https through a tunnel (`CONNECT`,
/// [RFC 9110, section 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
///
/// # Examples
///
/// ```
/// use midil_http_core::Proxy;
///
/// let proxy = Proxy::try_new("http://proxy.internal:3128")?.basic_auth("reports", "hunter2").no_proxy([".internal"]);
/// assert_eq!(proxy.url().host_str(), Some("proxy.internal"));
/// assert!(!format!("{proxy:?}").contains("hunter2"));
///
/// // For who writes a transport: the header, or what it is made of.
/// assert!(proxy.authorization().is_some_and(|value| value.is_sensitive()));
/// assert_eq!(proxy.credentials().map(|(user, _)| user), Some("reports"));
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Without userinfo.
    url: Url,
    authorization: Option<HeaderValue>,
    credentials: Option<(String, Secret)>,
    no_proxy: Vec<String>,
}

impl Proxy {
    /// The proxy at `url`, `http://host:port`; userinfo is taken as its credentials.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when it is no URL of a proxy over plain http.
    pub fn try_new(url: &str) -> Result<Self, Error> {
        Self::named("proxy", url).map_err(Error::from)
    }

    /// The same; `setting` is what an error names.
    fn named(setting: &str, text: &str) -> Result<Self, BuildError> {
        let problem = |why: &str| {
            let shown = redact::url_text(text);
            BuildError::new(setting, format!("cannot be \"{shown}\": {why}; give http://host:port"))
        };
        // `proxy:3128` alone is what everybody writes; it parses as a scheme.
        let given = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&given).map_err(|error| problem(&error.to_string()))?;
        if url.scheme() != "http" {
            return Err(problem("only proxies over plain http are supported"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(problem("it names no host"));
        }
        let decoded = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
            decoded.map(String::from).map_err(|_| problem("its userinfo is no UTF-8 when decoded"))
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        // Neither can fail: the URL has a host.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        let proxy = Self { url, authorization: None, credentials: None, no_proxy: Vec::new() };
        Ok(match credentials {
            Some((user, password)) => proxy.basic_auth(user, password),
            None => proxy,
        })
    }

    /// Says who we are to the proxy (`Proxy-Authorization: Basic`,
    /// [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        let (user, password) = (user.into(), password.into());
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let header = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*pair)));
        self.authorization = HeaderValue::from_str(&header).ok().map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.credentials = Some((user, password));
        self
    }

    /// Hosts that are reached without the proxy, in the form of `NO_PROXY`: see [`ProxyMatcher`].
    #[must_use]
    pub fn no_proxy<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.no_proxy.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Where the proxy is; without userinfo.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The `Proxy-Authorization` to send to it, marked as a secret: for transports.
    #[must_use]
    pub const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// User and password, for transports that make the header themselves.
    #[must_use]
    pub fn credentials(&self) -> Option<(&str, &Secret)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("url", &self.url.as_str())
            .field("authenticated", &self.credentials.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}
