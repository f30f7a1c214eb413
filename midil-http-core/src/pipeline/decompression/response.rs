//! Responses without their encodings.

use http::{HeaderMap, Method, StatusCode, header};

use super::decoded::Decoded;
use super::encoding::Encoding;
use crate::{Body, DecodeError, Error, LastOutcome, RetryExhausted};

/// How many encodings may be one upon another: each takes memory, and multiplies what the one below makes.
const MOST: usize = 4;

/// Decodes the body of a response, and drops the headers that were about its encoded form.
///
/// What is known to have no body keeps its headers, as does a part of the encoded form (206); an encoding that is not
/// known is the caller's to deal with.
pub(super) fn decode(
    mut response: http::Response<Body>,
    method: &Method,
) -> Result<http::Response<Body>, Error> {
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, StatusCode::PARTIAL_CONTENT];
    if !response.headers().contains_key(header::CONTENT_ENCODING)
        || method == Method::HEAD
        || bodiless.contains(&response.status())
        || response.body().is_empty()
    {
        return Ok(response);
    }
    let Some(encodings) = encodings(response.headers()).filter(|all| !all.is_empty()) else {
        return Ok(response);
    };
    if encodings.len() > MOST {
        let why = format!("it names {} encodings: {MOST} are decoded at most", encodings.len());
        return Err(DecodeError::new("Content-Encoding", why).into());
    }
    response.headers_mut().remove(header::CONTENT_ENCODING);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    // The last that was applied is the first to go.
    let peel = |body, encoding| Body::wrap(Decoded::new(body, encoding));
    Ok(response.map(|body| encodings.into_iter().rev().fold(body, peel)))
}

/// The same for the last response of a call that was given up.
pub(super) fn decode_last(error: Error, method: &Method) -> Error {
    let Error::RetryExhausted(exhausted) = error else { return error };
    let (attempts, elapsed) = (exhausted.attempts(), exhausted.elapsed());
    let reason = exhausted.reason().clone();
    let last = match exhausted.into_last() {
        LastOutcome::Response(response) => match decode(response, method) {
            Ok(response) => LastOutcome::Response(response),
            Err(error) => LastOutcome::Error(error),
        },
        LastOutcome::Error(error) => LastOutcome::Error(decode_last(error, method)),
    };
    RetryExhausted::new(attempts, elapsed, reason, last).into()
}

/// The encodings of a body in the order in which they were applied; `None` when one of them is not known.
fn encodings(headers: &HeaderMap) -> Option<Vec<Encoding>> {
    let mut all = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let names = value.to_str().ok()?.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
        {
            all.push(Encoding::of_name(name)?);
        }
    }
    Some(all)
}
