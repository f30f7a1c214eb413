//! Slot 4: decompression of response bodies ([RFC 9110, section 8.4]).
//!
//! The slot stands here so that redirects and retries (below) see bodies as they came and the caller (above) sees them
//! decoded. Each encoding is a feature of this crate; without any, nothing is announced and nothing is touched.
//!
//! [RFC 9110, section 8.4]: https://www.rfc-editor.org/rfc/rfc9110#section-8.4

#[cfg(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"))]
mod decoded;
#[cfg(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"))]
mod encoding;
#[cfg(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"))]
mod response;
#[cfg(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"))]
mod source;

use http::{HeaderName, HeaderValue, header};

use super::{CallScope, redirects, resumption};
use crate::client::Shared;
use crate::{Alarm, Body, Error, Request, RequestHead};

/// Sends the request, and decodes what comes back.
#[cfg(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"))]
pub(super) async fn decode(
    scope: &CallScope<'_>,
    request: &mut Request,
    alarm: Option<&Alarm<'_>>,
) -> Result<http::Response<Body>, Error> {
    let outcome = redirects::follow(scope, request, alarm).await;
    // Asked now, of the last hop: what changed the request on its way may have asked for a range, or an encoding.
    if announced(scope.client, request.head()).is_none() {
        return outcome;
    }
    match outcome {
        Ok(response) => response::decode(response, request.method()),
        Err(error) => Err(response::decode_last(error, request.method())),
    }
}

/// Sends the request: no encoding is known.
#[cfg(not(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate")))]
pub(super) fn decode(
    scope: &CallScope<'_>,
    request: &mut Request,
    alarm: Option<&Alarm<'_>>,
) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send {
    redirects::follow(scope, request, alarm)
}

/// What a client announces: `None` where no encoding is known, or where its base headers choose by themselves.
pub(crate) fn accepted(base: &[(HeaderName, HeaderValue)]) -> Option<HeaderValue> {
    #[cfg(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"))]
    if !base.iter().any(|(name, _)| *name == header::ACCEPT_ENCODING) {
        return encoding::Encoding::all_names();
    }
    let _ = base;
    None
}

/// The header by which an attempt at this request announces what is decoded.
///
/// Not one for a range, whose bytes are those of the encoded form, nor for a download that may ask for one later; nor for
/// a request that says itself what it accepts, whose caller gets just that.
pub(super) fn announced<'a>(
    client: &'a Shared,
    head: &RequestHead,
) -> Option<(&'static HeaderName, &'a HeaderValue)> {
    static NAME: HeaderName = header::ACCEPT_ENCODING;
    let value = client.accept_encoding.as_ref()?;
    let wanted = head.settings().and_then(|settings| settings.decompress);
    let own = head.headers.contains_key(&NAME) || head.headers.contains_key(header::RANGE);
    (wanted.unwrap_or(client.decompress) && !own && !resumption::is_wanted(head))
        .then_some((&NAME, value))
}
