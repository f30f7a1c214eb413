//! What a reply is made of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Headers or trailers, in order. Its `Debug` has the names alone: values may be credentials.
#[derive(Clone, Default)]
pub(in crate::fault_server) struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    pub(in crate::fault_server) fn push(&mut self, name: String, value: Vec<u8>) {
        self.0.push((name, value));
    }

    pub(in crate::fault_server) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    pub(in crate::fault_server) fn contains(&self, name: &str) -> bool {
        self.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

#[derive(Clone)]
pub(in crate::fault_server) enum Payload {
    Plain(Arc<[u8]>),
    Chunks(Arc<[Vec<u8>]>),
}

/// What tells the client where a plain payload ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::fault_server) enum Framing {
    Length,
    /// A content length that may be a lie.
    Declared(u64),
    Close,
}

#[derive(Clone, Debug)]
pub(in crate::fault_server) struct Interim {
    pub(in crate::fault_server) status: u16,
    pub(in crate::fault_server) headers: Fields,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::fault_server) struct Drip {
    pub(in crate::fault_server) size: usize,
    pub(in crate::fault_server) interval: Duration,
}

/// A place in a reply: so many bytes of the head, or the head and so many bytes of the body.
#[derive(Clone, Copy, Debug)]
pub(in crate::fault_server) enum Place {
    Head(usize),
    Body(usize),
}

/// What is done with the body of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fault_server) enum Upload {
    ReadFirst,
    ReadAfter,
    NeverRead,
}

/// What becomes of the connection after a whole reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fault_server) enum After {
    KeepAlive,
    Close,
    CloseSilently,
    HalfClose,
    CloseAtNextRequest,
}

/// Lengths alone: a body may hold credentials, and be long.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(body) => write!(f, "Plain({} bytes)", body.len()),
            Self::Chunks(chunks) => {
                let bytes: usize = chunks.iter().map(Vec::len).sum();
                write!(f, "Chunks({bytes} bytes in {})", chunks.len())
            }
        }
    }
}
