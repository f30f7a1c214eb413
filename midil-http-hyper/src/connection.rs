//! Connections: what an exchange goes over.

mod http1;
#[cfg(feature = "http2")]
mod http2;
mod line;

pub(crate) use self::http1::Http1;
#[cfg(feature = "http2")]
pub(crate) use self::http2::{Http2, InFlight};
pub(crate) use self::line::Line;
use crate::request::Outgoing;

/// A connection that can take a request.
pub(crate) enum Connection {
    Http1(Box<Http1>),
    #[cfg(feature = "http2")]
    Http2(Http2),
}

/// Why a request got no response.
pub(crate) enum Failure {
    /// hyper has not begun to write it, and gives it back.
    Unsent(Box<http::Request<Outgoing>>, hyper::Error),
    Broken(hyper::Error),
    /// The connection is gone and says nothing. Not known to happen.
    Silent,
}

/// What hyper gives a sender back.
fn failure(mut error: hyper::client::conn::TrySendError<http::Request<Outgoing>>) -> Failure {
    match error.take_message() {
        Some(request) => Failure::Unsent(Box::new(request), error.into_error()),
        None => Failure::Broken(error.into_error()),
    }
}
