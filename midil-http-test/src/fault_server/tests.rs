//! Every fault as a client sees it on the wire, with plain sockets as clients.

mod client;
mod connections;
mod faults;
mod observing;
mod proxy;
mod replies;
mod stopping;
mod timing;
#[cfg(feature = "tls")]
mod tls;
mod uploads;
