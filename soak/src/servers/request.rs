//! Whether a request is the one that was to be sent.

use midil_http_test::fault_server::Received;

use crate::content;
use crate::plan::{Call, Upload};

/// A complaint, if it is not.
pub(super) fn check(call: &Call, request: &Received) -> Result<(), String> {
    let is_own = request.method() == call.verb.name();
    // A redirect may have made a GET of it.
    if !is_own && request.method() != "GET" {
        return Err(format!("it is a {}", request.method()));
    }
    if request.header("idempotency-key").is_some() != call.keyed {
        return Err("it lacks its key, or has none to have".to_owned());
    }
    let body = request.body();
    let is_whole = match call.upload {
        _ if !is_own => body.is_empty(),
        Upload::Empty => body.is_empty(),
        Upload::Bytes(length)
        | Upload::Replayable(length)
        | Upload::Once(length)
        | Upload::OnceSized(length) => body == content::upload(call.id, length),
        Upload::Json => {
            let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            json["call"] == call.id
        }
        Upload::Form(length) => {
            let (file, text) = (content::upload(call.id, length), call.id.to_string());
            contains(body, &file) && contains(body, text.as_bytes())
        }
    };
    if is_whole { Ok(()) } else { Err(format!("its body is another one, of {} bytes", body.len())) }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}
