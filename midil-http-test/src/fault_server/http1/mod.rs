//! HTTP/1.1: the requests of one connection, one after the other.

mod body;
mod context;
mod deliver;
mod encode;
mod exchange;
mod head;

use std::io;

use self::head::HeadError;
use super::accept::Shared;
use super::peer::{End, Peer};

/// Serves the requests of connection number `connection`; returns how it is to end.
pub(super) fn serve(connection: usize, peer: &mut Peer, shared: &Shared) -> End {
    loop {
        let step = match head::read(peer, connection) {
            Ok(Some(request)) => exchange::exchange(request, peer, shared),
            Ok(None) => return End::Close,
            Err(HeadError::Malformed(reason)) => refuse(peer, reason),
            Err(HeadError::Io(error)) => Err(error),
        };
        match step {
            Ok(None) => {}
            Ok(Some(end)) => return end,
            // The client is gone, or the server is: there is nobody to tell.
            Err(_) => return End::Close,
        }
    }
}

/// Answers what is no request.
fn refuse(peer: &mut Peer, reason: &str) -> io::Result<Option<End>> {
    let length = reason.len();
    let head = "HTTP/1.1 400 \r\nconnection: close\r\ncontent-length: ";
    peer.send(format!("{head}{length}\r\n\r\n{reason}").as_bytes())?;
    Ok(Some(End::Linger))
}
