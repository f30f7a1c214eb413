//! The bytes of a reply.

use std::borrow::Cow;

use super::context::Context;
use crate::fault_server::reply::{After, Fields, Framing, Interim, Payload, Reply};

pub(crate) fn interim(interim: &Interim) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    status_line(&mut bytes, "1.1", interim.status);
    fields(&mut bytes, &interim.headers);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The head of `reply` with its empty line; nothing for a raw one.
pub(crate) fn head(reply: &Reply, context: Context) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    let Some(status) = reply.status else { return bytes };
    status_line(&mut bytes, if reply.http10 { "1.0" } else { "1.1" }, status);
    fields(&mut bytes, &reply.headers);
    if let Some(length) = content_length(reply) {
        field(&mut bytes, "content-length", length.to_string().as_bytes());
    }
    if matches!(reply.payload, Payload::Chunks(_)) && !reply.headers.contains("transfer-encoding") {
        field(&mut bytes, "transfer-encoding", b"chunked");
    }
    if context.after(reply) == After::Close && !reply.headers.contains("connection") {
        field(&mut bytes, "connection", b"close");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn content_length(reply: &Reply) -> Option<u64> {
    let of = |body: &[u8]| u64::try_from(body.len()).ok();
    match (&reply.payload, reply.framing) {
        _ if reply.headers.contains("content-length")
            || reply.headers.contains("transfer-encoding") =>
        {
            None
        }
        (_, Framing::Declared(length)) => Some(length),
        (Payload::Chunks(_), _) | (_, Framing::Close) => None,
        // RFC 9110 section 8.6: not with 1xx and 204; with 304 it is the length of another response.
        (Payload::Plain(_), Framing::Length) if matches!(reply.status, Some(100..200 | 204)) => {
            None
        }
        (Payload::Plain(body), Framing::Length) if reply.status == Some(304) => {
            of(body).filter(|length| *length > 0)
        }
        (Payload::Plain(body), Framing::Length) => of(body),
    }
}

/// The body of `reply` as it goes over the wire.
pub(crate) fn body<'a>(reply: &'a Reply, context: Context) -> Cow<'a, [u8]> {
    match &reply.payload {
        _ if !context.sends_body(reply) => Cow::Borrowed(&[]),
        Payload::Plain(body) => Cow::Borrowed(body),
        Payload::Chunks(chunks) => {
            let mut bytes = Vec::new();
            for chunk in chunks.iter() {
                bytes.extend_from_slice(&chunk_size(chunk));
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            if let Some(fault) = reply.chunk_fault {
                bytes.extend_from_slice(fault.bytes());
                return Cow::Owned(bytes);
            }
            bytes.extend_from_slice(b"0\r\n");
            fields(&mut bytes, &reply.trailers);
            bytes.extend_from_slice(b"\r\n");
            Cow::Owned(bytes)
        }
    }
}

/// Where in the wire form of the body its first `count` own bytes end.
pub(crate) fn offset(reply: &Reply, count: usize) -> usize {
    let Payload::Chunks(chunks) = &reply.payload else { return count };
    let mut offset = 0;
    let mut left = count;
    for chunk in chunks.iter() {
        if left == 0 {
            break;
        }
        let part = left.min(chunk.len());
        left -= part;
        offset += chunk_size(chunk).len() + part;
        if left > 0 {
            offset += b"\r\n".len();
        }
    }
    offset
}

fn chunk_size(chunk: &[u8]) -> Vec<u8> {
    format!("{:x}\r\n", chunk.len()).into_bytes()
}

fn status_line(bytes: &mut Vec<u8>, version: &str, status: u16) {
    // RFC 9112 section 4: the reason may be empty, the space before it stays.
    bytes.extend_from_slice(b"HTTP/");
    bytes.extend_from_slice(version.as_bytes());
    bytes.extend_from_slice(b" ");
    bytes.extend_from_slice(status.to_string().as_bytes());
    bytes.extend_from_slice(b" \r\n");
}

fn fields(bytes: &mut Vec<u8>, fields: &Fields) {
    for (name, value) in fields.iter() {
        field(bytes, name, value);
    }
}

fn field(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}
