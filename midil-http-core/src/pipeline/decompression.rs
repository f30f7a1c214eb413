//! Slot 4: decompression of response bodies.
//!
//! The slot stands here so that redirects and retries (below) see bodies as they came and the caller (above) sees them
//! decoded. No encoding is built in yet: nothing is announced in `Accept-Encoding`, so nothing arrives encoded that
//! the caller did not ask for by a header of their own.

use std::time::Instant;

use super::{CallScope, redirects};
use crate::{Body, Error, Request};

pub(super) fn decode(
    scope: &CallScope<'_>,
    request: &mut Request,
    deadline: Option<Instant>,
) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send {
    redirects::follow(scope, request, deadline)
}
