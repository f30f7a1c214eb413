//! From hyper's response to ours.

mod http1;
#[cfg(feature = "http2")]
mod http2;

use http::{Extensions, response};

pub(crate) use self::http1::{Exchange, over_http1};
#[cfg(feature = "http2")]
pub(crate) use self::http2::over_http2;

/// What hyper notes about the connection is not for the client: all transports behave alike.
fn forget_notes(parts: &mut response::Parts) {
    if !parts.extensions.is_empty() {
        parts.extensions = Extensions::new();
    }
}
