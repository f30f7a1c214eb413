//! Slot 8: cookies.
//!
//! Those that a request sets itself are in its headers by now. A jar has its place here: it would add to the request's
//! `Cookie` and learn from the response's `Set-Cookie`.

use http::{HeaderMap, HeaderName, header};

use super::{AttemptScope, auth};
use crate::{Body, Error, Request};

/// Marks cookies as secrets, both ways.
pub(super) async fn pass(
    scope: &AttemptScope<'_>,
    mut request: Request,
) -> Result<http::Response<Body>, Error> {
    hide(request.headers_mut(), &header::COOKIE);
    let mut response = auth::authenticate(scope, request).await?;
    hide(response.headers_mut(), &header::SET_COOKIE);
    Ok(response)
}

fn hide(headers: &mut HeaderMap, name: &HeaderName) {
    if !headers.contains_key(name) {
        return;
    }
    if let header::Entry::Occupied(mut cookies) = headers.entry(name) {
        cookies.iter_mut().for_each(|value| value.set_sensitive(true));
    }
}
