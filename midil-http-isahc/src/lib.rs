//! [`IsahcTransport`]: [isahc], which is curl, as a transport of midil-http. It needs no runtime, and no tokio.
//!
//! A transport does one exchange, nothing more; the client above it does the rest. So all that isahc and curl do of their
//! own accord is switched off here: redirects, decompression, `Expect: 100-continue`, the proxies of the environment, logs
//! of what is sent. What cannot be switched off, or made to hold, is listed in the README.
//!
//! # Examples
//!
//! ```
//! use midil_http_core::HttpClient;
//! use midil_http_isahc::IsahcTransport;
//! # let server = midil_http_test::fault_server::FaultServer::always(midil_http_test::fault_server::Reply::ok("hello"));
//! # let base_url = server.url();
//!
//! let transport = IsahcTransport::builder().max_connections(10).build()?;
//! let client = HttpClient::builder(transport).base_url(base_url).build()?;
//!
//! // Any executor will do.
//! let greeting = futures_executor::block_on(async { client.get("/greeting").send().await?.text().await })?;
//! assert_eq!(greeting, "hello");
//! # Ok::<_, midil_http_core::Error>(())
//! ```
//!
//! # Features
//!
//! - `http2` (default): HTTP/2, where the server offers it in the TLS handshake, or by prior knowledge.
//! - `rustls` (default): https, against the certificates that the system trusts.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod exchange;
mod failure;
mod framing;
mod lane;
mod quiet;
mod request;
mod response;
mod transport;
#[cfg(feature = "rustls")]
mod trust;
mod turns;
mod upload;

pub use transport::IsahcTransport;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
