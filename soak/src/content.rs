//! What bodies hold: it follows from the call that they belong to, so that nobody can take one for another.

/// The bytes of a body of call `id`.
pub(crate) fn bytes(id: u64, length: usize) -> Vec<u8> {
    let blocks = (0_u64..).flat_map(|block| (id << 32 | block).to_be_bytes());
    blocks.take(length).collect()
}

/// What of the request is sent: the bytes of the answer are others.
pub(crate) fn upload(id: u64, length: usize) -> Vec<u8> {
    bytes(id | 1 << 31, length)
}

/// The text that says no.
pub(crate) fn refusal(id: u64) -> String {
    format!("not for call {id}")
}

/// The JSON of page number `page` of call `id`.
pub(crate) fn page(id: u64, page: usize) -> String {
    format!(r#"{{"call":{id},"page":{page}}}"#)
}
