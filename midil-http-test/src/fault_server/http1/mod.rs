//! HTTP/1.1: the requests of one connection, one after the other.

mod body;
mod context;
mod deliver;
mod encode;
mod exchange;
mod head;

use std::io;
use std::sync::Arc;

pub(super) use self::exchange::exchange;
pub(super) use self::head::{HeadError, read as read_head};
use super::line::Line;
use super::on_connect::OnConnect;
use super::peer::{End, Peer};
use super::record::Record;
use super::script::Script;
use super::service::Service;
#[cfg(feature = "tls")]
use super::tls::Acceptor;

/// Answers as a script says.
#[derive(Debug)]
pub(super) struct Http1 {
    pub(super) script: Script,
    /// `None`: connections are not encrypted.
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Acceptor>,
}

impl Service for Http1 {
    fn serve(&self, connection: usize, line: Arc<Line>, record: &Record) {
        let mut peer = Peer::new(line);
        let end = match self.script.fate(connection) {
            OnConnect::Serve => self.converse(connection, &mut peer, record),
            OnConnect::Close => End::Linger,
            OnConnect::Reset => End::Reset,
            OnConnect::Stall => End::Stall,
        };
        peer.finish(end);
    }
}

impl Http1 {
    fn converse(&self, connection: usize, peer: &mut Peer, record: &Record) -> End {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls
            && let Err(end) = peer.encrypt(tls)
        {
            record.handshake_failed();
            return end;
        }
        serve(connection, peer, &self.script, record)
    }
}

/// Serves the requests of connection number `connection`; returns how it is to end.
fn serve(connection: usize, peer: &mut Peer, script: &Script, record: &Record) -> End {
    loop {
        let step = match read_head(peer, connection) {
            Ok(Some(request)) => exchange(request, peer, script, record),
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
pub(super) fn refuse(peer: &mut Peer, reason: &str) -> io::Result<Option<End>> {
    let length = reason.len();
    let head = "HTTP/1.1 400 \r\nconnection: close\r\ncontent-length: ";
    peer.send(format!("{head}{length}\r\n\r\n{reason}").as_bytes())?;
    Ok(Some(End::Linger))
}
