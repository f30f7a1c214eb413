//! Servers that misbehave on command, for tests of HTTP clients.
//!
//! | what | speaks | feature |
//! |---|---|---|
//! | [`FaultServer`] | HTTP/1.1 | |
//! | the same with `Tls` | HTTP/1.1 over TLS, with certificates good and bad | `tls` |
//! | `Http2Server` | HTTP/2, by prior knowledge or over TLS | `http2` |
//! | [`ProxyServer`] | what a proxy does: forwards and tunnels | |
//! | [`RefusingPort`], [`SilentPort`] | nothing: connecting fails, or never ends | |
//!
//! All of them listen on a loopback port of their own, with threads of their own and no runtime that
//! a test could see, so they serve tests of every executor. A [`Script`] says how each request is
//! answered ([`Reply`], `Http2Reply`) and what happens to each connection ([`OnConnect`]); what came
//! in can be looked at and waited for ([`Received`], [`Observed`]). Nothing here sleeps for a fixed
//! time: tests synchronise by a [`Gate`] or by the server's `wait_…` methods.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! use midil_http_test::fault_server::{FaultServer, Reply};
//!
//! let server = FaultServer::sequence([
//!     Reply::status(503).header("retry-after", "1").close(),
//!     Reply::ok("hi").close(),
//! ]);
//! let get = || -> std::io::Result<String> {
//!     let mut client = TcpStream::connect(server.address())?;
//!     client.write_all(b"GET /greeting HTTP/1.1\r\nhost: here\r\n\r\n")?;
//!     let mut answer = String::new();
//!     client.read_to_string(&mut answer)?;
//!     Ok(answer)
//! };
//!
//! assert!(get()?.starts_with("HTTP/1.1 503 "));
//! assert!(get()?.ends_with("\r\n\r\nhi"));
//! assert_eq!(server.requests()[1].target(), "/greeting");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # How it is built
//! One thread accepts, one thread serves each connection, whatever the service (`service`): HTTP/1.1
//! and the proxy are folders of that name. What carries a connection is one file, `line`; `peer` is
//! the client as its thread sees it, encrypted or not. HTTP/2 is a service of many exchanges at a
//! time, and runs on one thread with a runtime inside: its `wire` is what carries it. A TLS session
//! (`tls/session`) has no socket, and serves both.

mod accept;
mod checksum;
mod cut;
mod gate;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod line;
mod observed;
mod observing;
mod on_connect;
mod peer;
mod proxy;
mod pulse;
mod received;
mod record;
mod refusing;
mod reply;
mod script;
mod server;
mod service;
mod silent;
#[cfg(feature = "tls")]
mod tls;

#[cfg(test)]
mod tests;

pub use cut::Cut;
pub use gate::Gate;
#[cfg(feature = "http2")]
pub use http2::{Http2Reply, Http2Server};
pub use observed::Observed;
pub use on_connect::OnConnect;
pub use proxy::{ProxyScript, ProxyServer};
pub use received::Received;
pub use refusing::RefusingPort;
pub use reply::{ChunkFault, Reply};
pub use script::Script;
pub use server::FaultServer;
pub use silent::SilentPort;
#[cfg(feature = "tls")]
pub use tls::{Authority, Handshake, Tls};
