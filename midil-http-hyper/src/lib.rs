//! [`HyperTransport`]: [hyper] as a transport of midil-http, with nothing in between.
//!
//! A transport does one exchange, nothing more; the client above it does the rest. This is the plainest of the transports,
//! and the one that costs least.
//!
//! # Examples
//!
//! ```
//! use midil_http_core::HttpClient;
//! use midil_http_hyper::HyperTransport;
//!
//! let transport = HyperTransport::builder().max_connections(10).build()?;
//! let client = HttpClient::builder(transport).base_url("https://api.example.com/v1").build()?;
//! # Ok::<_, midil_http_core::Error>(())
//! ```
//!
//! # Features
//!
//! - `http2` (default): HTTP/2, where the server offers it in the TLS handshake, or by prior knowledge.
//! - `rustls` (default): https, against the certificates that the system trusts.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connect;
mod connection;
mod failure;
mod pool;
mod request;
mod response;
mod runtime;
mod transport;

pub use transport::HyperTransport;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
