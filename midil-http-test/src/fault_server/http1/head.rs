//! The head of a request.

use std::io;

use crate::fault_server::peer::Peer;
use crate::fault_server::received::Received;

/// Longer heads are no requests.
const LIMIT: usize = 1024 * 1024;

/// Why there is no head.
#[derive(Debug)]
pub(crate) enum HeadError {
    Io(io::Error),
    Malformed(&'static str),
}

impl From<io::Error> for HeadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the next request's head; `None` when the client closed the connection before it.
pub(crate) fn read(peer: &mut Peer, connection: usize) -> Result<Option<Received>, HeadError> {
    let mut bytes = Vec::new();
    loop {
        let seen = bytes.len();
        let arrived = peer.peek()?;
        if arrived.is_empty() {
            return Ok(None);
        }
        let count = arrived.len();
        bytes.extend_from_slice(arrived);
        // RFC 9112 section 2.2: empty lines before the request line are ignored.
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        // A TLS handshake, say, would never come to the end of a head.
        if bytes.get(blank).is_some_and(|byte| !byte.is_ascii_graphic()) {
            return Err(HeadError::Malformed("the request line is not text"));
        }
        let from = seen.saturating_sub(3).max(blank);
        let end = bytes[from..].windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end.map(|position| from + position + 4) else {
            peer.take(count);
            if bytes.len() > LIMIT {
                return Err(HeadError::Malformed("the head is too long"));
            }
            continue;
        };
        peer.take(end - seen);
        bytes.truncate(end);
        bytes.drain(..blank);
        let request = parse(connection, bytes).map_err(HeadError::Malformed)?;
        #[cfg(feature = "tls")]
        let request = request.over(peer.handshake().cloned());
        return Ok(Some(request));
    }
}

fn parse(connection: usize, bytes: Vec<u8>) -> Result<Received, &'static str> {
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let line = lines.next().unwrap_or_default();
    let words: [String; 3] = Vec::from_iter(line.split(' ').map(str::to_owned))
        .try_into()
        .map_err(|_| "the request line is not three words")?;
    if words.iter().any(String::is_empty) || !words[2].starts_with("HTTP/1.") {
        return Err("the request line is not a method, a target and HTTP/1");
    }
    let headers = lines.map(field).collect::<Result<_, _>>()?;
    drop(text);
    Ok(Received::new(connection, words, headers, bytes))
}

/// A line of the form `name: value`, of a head or of trailers.
pub(crate) fn field(line: &str) -> Result<(String, String), &'static str> {
    let (name, value) = line.split_once(':').ok_or("a header line has no colon")?;
    if name.is_empty() || name.contains([' ', '\t']) {
        return Err("a header name is empty or has a space");
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}
