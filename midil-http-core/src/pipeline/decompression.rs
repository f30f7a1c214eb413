//! Slot 4: decompression of response bodies.
//!
//! The slot stands here so that redirects and retries (below) see bodies as they came and the caller (above) sees them
//! decoded. No encoding is built in yet: nothing is announced in `Accept-Encoding`, so nothing arrives encoded that
//! the caller did not ask for by a header of their own.

use std::time::Instant;

use super::{CallScope, redirects};
use crate::{Body, Error, Request};

pub(super) async fn decode(
    scope: &CallScope<'_>,
    request: Request,
    deadline: Option<Instant>,
) -> Result<http::Response<Body>, Error> {
    redirects::follow(scope, request, deadline).await
}
