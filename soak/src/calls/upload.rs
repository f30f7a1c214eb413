//! What is sent.

use std::io;

use futures_util::{Stream, stream};
use midil_http::{Body, Form, Part};
use serde_json::{Value, json};

use crate::content;
use crate::plan::Upload;

/// The size of the pieces of a stream.
const PIECE: usize = 7_000;

pub(super) fn body(id: u64, upload: Upload) -> Body {
    match upload {
        Upload::Replayable(length) => {
            Body::replayable(Some(size(length)), move || pieces(id, length))
        }
        Upload::Once(length) => Body::stream(pieces(id, length)),
        Upload::OnceSized(length) => Body::stream_with_length(pieces(id, length), size(length)),
        Upload::Bytes(length) => content::upload(id, length).into(),
        Upload::Empty | Upload::Json | Upload::Form(_) => Body::empty(),
    }
}

pub(super) fn json(id: u64) -> Value {
    json!({ "call": id, "why": "to be sent" })
}

pub(super) fn form(id: u64, length: usize) -> Form {
    let file = Part::bytes(content::upload(id, length)).file_name("upload.bin");
    Form::new().text("call", id.to_string()).part("file", file)
}

/// The bytes in pieces, with a pause after each.
fn pieces(id: u64, length: usize) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    stream::unfold(content::upload(id, length), |mut rest| async {
        if rest.is_empty() {
            return None;
        }
        let next = rest.split_off(PIECE.min(rest.len()));
        tokio::task::yield_now().await;
        Some((Ok(rest), next))
    })
}

fn size(length: usize) -> u64 {
    u64::try_from(length).expect("64 bits")
}
