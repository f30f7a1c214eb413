//! The server as a client of the `h2` crate sees it.

mod client;
mod faults;
mod observing;
mod replies;
#[cfg(feature = "tls")]
mod tls;
