//! [`ReqwestTransport`]: [reqwest] as a transport of midil-http.
//!
//! A transport does one exchange, nothing more; the client above it does the rest. So all that reqwest does of its own
//! accord is switched off here: redirects, retries, `Referer`, cookies, decompression, logging of what is sent. What
//! stays is its connections, TLS, HTTP/2 and proxies.
//!
//! # Examples
//!
//! ```
//! use midil_http_core::HttpClient;
//! use midil_http_reqwest::ReqwestTransport;
//!
//! let transport = ReqwestTransport::builder().max_connections(10).build()?;
//! let client = HttpClient::builder(transport).base_url("https://api.example.com/v1").build()?;
//! # Ok::<_, midil_http_core::Error>(())
//! ```
//!
//! # Features
//!
//! - `http2` (default): HTTP/2, where the server offers it in the TLS handshake.
//! - `rustls` (default): https, against the certificates that the system trusts.
//! - `system-proxy` (default): the proxy settings of macOS and Windows, beside those of the environment.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod current;
mod failure;
mod host;
mod proxy;
mod request;
mod response;
mod runtime;
mod settings;
mod tls;
mod transport;

pub use transport::ReqwestTransport;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
