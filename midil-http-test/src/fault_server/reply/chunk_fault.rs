//! What is wrong with a chunk.

/// How the last chunk of a reply is broken, see
/// [`Reply::break_chunk`](super::super::Reply::break_chunk).
///
/// ```
/// use midil_http_test::fault_server::{ChunkFault, Reply};
///
/// let reply = Reply::ok("").chunked(["one"]).break_chunk(ChunkFault::Size);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkFault {
    /// Its size is no number.
    Size,
    /// Its size is more than 64 bits can tell.
    Overflow,
    /// Its data is not followed by CRLF.
    MissingEnd,
}

impl ChunkFault {
    /// The broken chunk, and all that follows it.
    pub(in crate::fault_server) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Size => b"nonsense\r\nlost\r\n0\r\n\r\n",
            Self::Overflow => b"10000000000000004\r\nlost\r\n0\r\n\r\n",
            Self::MissingEnd => b"4\r\nlost0\r\n\r\n",
        }
    }
}
