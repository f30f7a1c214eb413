//! Every fault as a client sees it on the wire, with plain sockets as clients.

mod chunks;
mod client;
mod connections;
mod faults;
mod keep_alive;
mod leaks;
mod observing;
mod proxy;
mod replies;
mod stopping;
mod timing;
#[cfg(feature = "tls")]
mod tls;
mod uploads;
