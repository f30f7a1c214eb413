//! Reads a response as its call means to, and looks whether it is the one to this very call.

use midil_http::{Error, Page, Response};

use super::End;
use crate::content;
use crate::ledger::Ledger;
use crate::model::Outcome;
use crate::plan::{Call, Reading};
use crate::servers::{CALL, SERIAL};

pub(super) async fn read(response: Response, call: &Call, ledger: &Ledger) -> End {
    let status = response.status().as_u16();
    check_head(response.headers(), call, ledger);
    let serial = number(response.headers(), SERIAL);
    let expected = match status {
        200 => content::bytes(call.id, call.download),
        _ => content::refusal(call.id).into_bytes(),
    };
    match body(response, call.reading).await {
        Ok((bytes, is_whole)) => {
            let is_right = if is_whole { bytes == expected } else { expected.starts_with(&bytes) };
            if !is_right {
                let length = bytes.len();
                ledger.complain(format!("the body, of {length} bytes, is not that of {call:?}"));
            }
            End::new(Outcome::Response(status), serial)
        }
        Err(error) => End::broken(&error, serial),
    }
}

/// The bytes that were read, and whether they are all.
async fn body(mut response: Response, reading: Reading) -> Result<(Vec<u8>, bool), Error> {
    let mut bytes = Vec::new();
    match reading {
        Reading::Whole => return Ok((response.bytes().await?.to_vec(), true)),
        Reading::Nothing => return Ok((bytes, false)),
        Reading::OneChunk => bytes.extend_from_slice(&response.chunk().await?.unwrap_or_default()),
        Reading::Chunks => {
            while let Some(chunk) = response.chunk().await? {
                bytes.extend_from_slice(&chunk);
                tokio::task::yield_now().await;
            }
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}

/// The last page has the answer of the call, the others say that they are of it.
pub(super) fn page(page: &Page, call: &Call, ledger: &Ledger) -> End {
    check_head(page.headers(), call, ledger);
    let body: &[u8] = page.bytes();
    let is_last = !page.headers().contains_key("link");
    let is_right = if is_last {
        body == content::bytes(call.id, call.download)
    } else {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        json["call"] == call.id
    };
    if !is_right {
        ledger.complain(format!("a page is not that of {call:?}"));
    }
    End::new(Outcome::Response(page.status().as_u16()), number(page.headers(), SERIAL))
}

fn check_head(headers: &http::HeaderMap, call: &Call, ledger: &Ledger) {
    if number(headers, CALL) != Some(call.id) {
        ledger.complain(format!("a response to another call, {headers:?}, came to {call:?}"));
    }
}

fn number(headers: &http::HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
