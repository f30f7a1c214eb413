//! The calls that meet the faults.

use std::io;

use futures_util::stream;
use midil_http::{Body, HttpClient, RequestBuilder};

pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) make: fn(&HttpClient) -> RequestBuilder,
    pub(super) idempotent: bool,
    /// It can be read once.
    pub(super) is_stream: bool,
    /// Bytes of its body.
    pub(super) length: usize,
}

const BYTES: &str = "hello";

pub(super) const CALLS: &[Call] = &[
    Call { name: "GET", make: |http| http.get("/"), idempotent: true, is_stream: false, length: 0 },
    Call {
        name: "PUT of bytes",
        make: |http| http.put("/").body(BYTES),
        idempotent: true,
        is_stream: false,
        length: BYTES.len(),
    },
    Call {
        name: "POST of bytes",
        make: |http| http.post("/").body(BYTES),
        idempotent: false,
        is_stream: false,
        length: BYTES.len(),
    },
    Call {
        name: "POST with a key",
        make: |http| http.post("/").body(BYTES).idempotency_key("order-17"),
        idempotent: true,
        is_stream: false,
        length: BYTES.len(),
    },
    Call {
        name: "POST of a stream",
        make: |http| http.post("/").body(pieces()),
        idempotent: false,
        is_stream: true,
        length: BYTES.len(),
    },
    Call {
        name: "PUT of a stream",
        make: |http| http.put("/").body(pieces()),
        idempotent: true,
        is_stream: true,
        length: BYTES.len(),
    },
];

fn pieces() -> Body {
    Body::stream(stream::iter(["he", "llo"].map(Ok::<_, io::Error>)))
}
