//! What is special to isahc and curl: the traps of both, settings, TLS, proxies. What all transports do alike is shown by the
//! conformance suite.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod bodies;
mod dispatcher;
mod errors;
mod headers;
#[cfg(feature = "http2")]
mod http2;
mod settings;
mod support;
#[cfg(feature = "rustls")]
mod tls;
mod traps;
