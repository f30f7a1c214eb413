//! The transport over real loopback sockets.
#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test expects")]

mod connections;
mod framing;
mod host;
mod proxy;
mod refused;
mod runtime;
mod settings;
mod support;
mod switched_off;
mod timeouts;
#[cfg(feature = "rustls")]
mod tls;
