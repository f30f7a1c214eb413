//! The transport over real loopback sockets.
#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test expects")]

mod connections;
mod framing;
#[cfg(feature = "http2")]
mod http2;
mod proxy;
mod refused;
mod runtime;
mod streaming;
mod support;
#[cfg(any(feature = "http2", feature = "rustls"))]
mod timeouts;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "rustls")]
mod tunnels;
