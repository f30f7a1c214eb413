//! `[transport]`: which HTTP stack, and how it connects.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;

use super::file;
use super::leaf::{
    SecretSetting, UrlSetting, any, count, length, paths, positive_count, positive_length, proxy,
    secret, texts, visible, word,
};
use super::section::{section, words};
use crate::TransportSettings;
use crate::{BuildError, ClientCertificate, Error, Protocol, Proxy, ProxySettings, Secret};

words! {
    /// Which HTTP stack exchanges go over.
    BackendKind, "\"reqwest\", \"hyper\" or \"isahc\"" => {
        /// `ReqwestTransport`.
        Reqwest = "reqwest";
        /// `HyperTransport`.
        Hyper = "hyper";
        /// `IsahcTransport`.
        Isahc = "isahc";
    }
}

words! {
    /// Which versions of HTTP a transport speaks: see [`Protocol`].
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Protocol, ProtocolKind, TransportConfig};
    ///
    /// let settings = TransportConfig::new().protocol(ProtocolKind::Http1).settings()?;
    /// assert_eq!(settings.protocol, Protocol::Http1);
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    ProtocolKind, "\"negotiated\", \"http1\" or \"http2\"" => {
        /// [`Protocol::Negotiated`].
        Negotiated = "negotiated";
        /// [`Protocol::Http1`].
        Http1 = "http1";
        /// [`Protocol::Http2PriorKnowledge`].
        Http2 = "http2";
    }
}

section! {
    /// `[transport]` of an [`HttpConfig`](crate::HttpConfig): which HTTP stack, and how it connects.
    ///
    /// All types have the same settings, so a layer that changes the type keeps the settings of those below.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{BackendKind, HttpConfig, TransportConfig};
    ///
    /// let transport = TransportConfig::new().kind(BackendKind::Hyper).proxy("http://proxy.internal:3128");
    /// let config = HttpConfig::builder().transport(transport.clone()).build()?;
    /// assert_eq!(config.transport(), &transport);
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    TransportConfig by deep {
        /// The HTTP stack (`type`): the first of reqwest, hyper and isahc that is built in.
        kind: plain BackendKind, word(BackendKind::ALLOWED);
        /// The longest that making a connection may take: 10 s.
        connect_timeout: plain Duration, positive_length();
        /// Exchanges in flight, at least 1: 100.
        max_connections: plain usize, positive_count();
        /// Idle connections kept for reuse: 20; 0 keeps none.
        max_keepalive_connections: plain usize, count();
        /// How long an idle connection is kept: 30 s.
        keepalive_expiry: plain Duration, length();
        /// `environment`, `none` or `http://host:port`: the environment's proxies.
        proxy: into UrlSetting, proxy();
        /// Who we are to that proxy.
        proxy_username: into SecretSetting, secret();
        /// How we prove it.
        proxy_password: into SecretSetting, secret();
        /// What is reached without that proxy, as in `NO_PROXY`.
        no_proxy: each Vec<String>, texts();
        /// PEM files of certificates that are trusted beside those of the system.
        root_certificates: each Vec<PathBuf>, paths();
        /// The PEM file of the certificate that says who this client is, with its chain.
        client_certificate: into PathBuf, paths();
        /// The PEM file of its key.
        client_key: into PathBuf, paths();
        /// Which versions of HTTP are spoken: `negotiated`.
        protocol: plain ProtocolKind, word(ProtocolKind::ALLOWED);
        /// The address of this machine that connections are made from.
        local_address: plain IpAddr, any("an IP address");
        /// The `User-Agent` of token requests and of what a transport says to a proxy.
        user_agent: into String, visible();
        /// How long a connection is silent before the system asks for the peer: 15 s; 0 never asks.
        tcp_keepalive: plain Duration, length();
    }
}

impl TransportConfig {
    /// What a transport is made from: reads the files that are named.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the file, when one cannot be read, when a proxy is none, or when of two
    /// settings that belong together there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::TransportConfig;
    ///
    /// let error = TransportConfig::new().root_certificates(["/no/such/ca.pem"]).settings().unwrap_err();
    /// assert!(error.to_string().starts_with("transport.root_certificates: the file /no/such/ca.pem cannot be read"));
    /// ```
    pub fn settings(&self) -> Result<TransportSettings, Error> {
        let standard = TransportSettings::default();
        let user_agent = match &self.user_agent {
            None => None,
            Some(text) => Some(HeaderValue::from_str(text).map_err(|_| {
                let problem = "cannot be sent: give visible ASCII and spaces";
                BuildError::new("transport.user_agent", problem)
            })?),
        };
        let settings = TransportSettings {
            connect_timeout: self.connect_timeout.unwrap_or(standard.connect_timeout),
            max_connections: self.max_connections.unwrap_or(standard.max_connections),
            max_keepalive_connections: self
                .max_keepalive_connections
                .unwrap_or(standard.max_keepalive_connections),
            keepalive_expiry: self.keepalive_expiry.unwrap_or(standard.keepalive_expiry),
            root_certificates: self.roots()?,
            client_certificate: self.certificate()?,
            proxy: self.proxy_settings()?,
            protocol: match self.protocol {
                None | Some(ProtocolKind::Negotiated) => Protocol::Negotiated,
                Some(ProtocolKind::Http1) => Protocol::Http1,
                Some(ProtocolKind::Http2) => Protocol::Http2PriorKnowledge,
            },
            local_address: self.local_address,
            user_agent,
            tcp_keepalive: match self.tcp_keepalive {
                None => standard.tcp_keepalive,
                given => given.filter(|interval| !interval.is_zero()),
            },
        };
        settings.check()?;
        Ok(settings)
    }

    fn roots(&self) -> Result<Vec<Vec<u8>>, BuildError> {
        let read = |path: &PathBuf| Ok(file::read(path)?.to_vec());
        let certificates = self.root_certificates.iter().flatten().map(read);
        certificates
            .collect::<Result<_, _>>()
            .map_err(|error: BuildError| error.within("transport.root_certificates"))
    }

    fn certificate(&self) -> Result<Option<ClientCertificate>, BuildError> {
        let (chain, key) = match (&self.client_certificate, &self.client_key) {
            (None, None) => return Ok(None),
            (Some(chain), Some(key)) => (chain, key),
            (certificate, _) => {
                let [set, unset] = match certificate {
                    Some(_) => ["client_certificate", "client_key"],
                    None => ["client_key", "client_certificate"],
                };
                let problem = format!("is set without {unset}: give both, or neither");
                return Err(BuildError::new(format!("transport.{set}"), problem));
            }
        };
        let chain = file::read(chain).map_err(|e| e.within("transport.client_certificate"))?;
        let key = SecretSetting::file(key).read().map_err(|e| e.within("transport.client_key"))?;
        Ok(Some(ClientCertificate::from_pem(chain.to_vec(), key)))
    }

    fn proxy_settings(&self) -> Result<ProxySettings, Error> {
        let url = match self.proxy.as_ref().map(UrlSetting::as_str) {
            Some(url) if url != "environment" && url != "none" => url,
            other => {
                for (name, is_set) in [
                    ("proxy_username", self.proxy_username.is_some()),
                    ("proxy_password", self.proxy_password.is_some()),
                    ("no_proxy", self.no_proxy.is_some()),
                ] {
                    if is_set {
                        let problem = "is set without a proxy: set proxy to http://host:port, too";
                        return Err(BuildError::new(format!("transport.{name}"), problem).into());
                    }
                }
                return Ok(match other {
                    Some("none") => ProxySettings::Disabled,
                    _ => ProxySettings::Environment,
                });
            }
        };
        let mut proxy = match Proxy::try_new(url) {
            Ok(proxy) => proxy.no_proxy(self.no_proxy.iter().flatten().map(String::as_str)),
            Err(Error::Build(error)) => return Err(error.within("transport").into()),
            Err(error) => return Err(error),
        };
        if self.proxy_username.is_some() || self.proxy_password.is_some() {
            let read = |name: &str, secret: &Option<SecretSetting>| match secret {
                None => Ok(Secret::from("")),
                Some(secret) => secret.read().map_err(|e| e.within(&format!("transport.{name}"))),
            };
            let username = read("proxy_username", &self.proxy_username)?;
            let password = read("proxy_password", &self.proxy_password)?;
            proxy = proxy.basic_auth(username.expose(), password);
        }
        Ok(proxy.into())
    }
}
