//! An HTTP/1.1 server that misbehaves on command, for tests of HTTP clients.
//!
//! [`FaultServer`] listens on a loopback port of its own, with threads of the standard library and
//! no async runtime, so it serves tests of every executor. A [`Script`] says how each request is
//! answered ([`Reply`]) and what happens to each connection ([`OnConnect`]); what came in can be
//! looked at and waited for ([`Received`], [`Observed`]). Nothing here sleeps for a fixed time:
//! tests synchronise by a [`Gate`] or by the server's `wait_…` methods.
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
//! One thread accepts, one thread serves each connection. What a connection speaks is in one
//! folder, `http1`, and what carries it in one file, `peer`: another protocol is a sibling of the
//! first, encryption a change of the second.

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
#[cfg(feature = "tls")]
pub use tls::{Authority, Handshake, Tls};
