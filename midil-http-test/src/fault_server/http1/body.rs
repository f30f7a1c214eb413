//! The body of a request, as its framing says.

use std::io;

use crate::fault_server::peer::Peer;
use crate::fault_server::received::Received;

/// Where the body of a request ends, RFC 9112 section 6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

impl Framing {
    pub(crate) const NONE: Self = Self::Length(0);

    /// # Errors
    /// Why the head does not tell.
    pub(crate) fn of(request: &Received) -> Result<Self, &'static str> {
        let mut lengths = request.headers_named("content-length");
        match (request.header("transfer-encoding"), lengths.next()) {
            (Some(_), Some(_)) => Err("there is a transfer encoding and a content length"),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            (Some(_), None) => Err("the transfer encoding is not chunked"),
            (None, Some(length)) if lengths.all(|other| other == length) => {
                number(length, 10).map(Self::Length).ok_or("the content length is not a number")
            }
            (None, Some(_)) => Err("the content lengths differ"),
            (None, None) => Ok(Self::NONE),
        }
    }
}

/// Reads a body to its end, hands its pieces to `sink` as they arrive, and returns its trailers.
pub(crate) fn read(
    peer: &mut Peer,
    framing: Framing,
    mut sink: impl FnMut(&[u8]),
) -> io::Result<Vec<(String, String)>> {
    let Framing::Length(length) = framing else {
        return read_chunks(peer, &mut sink);
    };
    read_exactly(peer, length, &mut sink)?;
    Ok(Vec::new())
}

fn read_chunks(peer: &mut Peer, sink: &mut dyn FnMut(&[u8])) -> io::Result<Vec<(String, String)>> {
    loop {
        let line = read_line(peer)?;
        let size = line.split(';').next().unwrap_or_default().trim_end_matches([' ', '\t']);
        match number(size, 16).ok_or_else(|| malformed("a chunk size is not a number"))? {
            0 => return read_trailers(peer),
            size => read_exactly(peer, size, sink)?,
        }
        if !read_line(peer)?.is_empty() {
            return Err(malformed("a chunk is longer than its size"));
        }
    }
}

fn read_trailers(peer: &mut Peer) -> io::Result<Vec<(String, String)>> {
    let mut trailers = Vec::new();
    loop {
        let line = read_line(peer)?;
        if line.is_empty() {
            return Ok(trailers);
        }
        trailers.push(super::head::field(&line).map_err(malformed)?);
    }
}

fn read_exactly(peer: &mut Peer, count: u64, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut left = count;
    while left > 0 {
        let arrived = peer.peek()?;
        if arrived.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(arrived.len());
        sink(&arrived[..count]);
        peer.take(count);
        left -= u64::try_from(count).unwrap_or(left);
    }
    Ok(())
}

/// A line without its CRLF.
fn read_line(peer: &mut Peer) -> io::Result<String> {
    const LIMIT: usize = 64 * 1024;
    let mut line = Vec::new();
    while line.len() < LIMIT {
        let arrived = peer.peek()?;
        if arrived.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = arrived.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(arrived.len(), |position| position + 1);
        line.extend_from_slice(&arrived[..count]);
        peer.take(count);
        if end.is_some() {
            let line = line.strip_suffix(b"\r\n").ok_or_else(|| malformed("a line has no CR"))?;
            return Ok(String::from_utf8_lossy(line).into_owned());
        }
    }
    Err(malformed("a line of a chunked body is too long"))
}

/// A number of digits only: neither a sign nor a space.
fn number(digits: &str, radix: u32) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
