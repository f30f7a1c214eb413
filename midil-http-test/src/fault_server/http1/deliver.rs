//! Sends a reply at its pace, up to its cut.

use std::io;

use super::context::Context;
use super::encode;
use crate::fault_server::cut::Cut;
use crate::fault_server::peer::Peer;
use crate::fault_server::reply::{Drip, Place, Reply};

/// Sends `reply`; returns the cut if it ended in one.
pub(crate) fn deliver(peer: &mut Peer, reply: &Reply, context: Context) -> io::Result<Option<Cut>> {
    let mut out = Outbox { peer, pending: Vec::with_capacity(512), dripped: false };
    for interim in &reply.interim {
        out.write(&encode::interim(interim))?;
    }
    if let Some(gate) = &reply.hold {
        out.flush()?;
        out.peer.hold(gate)?;
    }

    let head = encode::head(reply, context);
    if let Some((Place::Head(count), cut)) = reply.cut {
        out.write(&head[..count.min(head.len())])?;
        out.flush()?;
        return Ok(Some(cut));
    }
    out.write(&head)?;

    let body = encode::body(reply, context);
    let (end, cut) = match reply.cut {
        Some((Place::Body(count), cut)) => (encode::offset(reply, count), Some(cut)),
        _ => (body.len(), None),
    };
    let mut body = &body[..end.min(body.len())];
    if let Some((count, gate)) = &reply.hold_body {
        let (before, after) = body.split_at(encode::offset(reply, *count).min(body.len()));
        out.body(before, reply.drip)?;
        out.flush()?;
        out.peer.hold(gate)?;
        body = after;
    }
    out.body(body, reply.drip)?;
    out.flush()?;
    Ok(cut)
}

/// Puts small writes together, so that a reply without delays is one system call.
struct Outbox<'a> {
    peer: &'a mut Peer,
    pending: Vec<u8>,
    /// Whether a piece was sent, so that the next one must wait.
    dripped: bool,
}

impl Outbox<'_> {
    /// Sends `bytes` at the end of what is pending, now or at the next [`flush`](Self::flush).
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        const COPIED: usize = 64 * 1024;
        if bytes.len() <= COPIED {
            self.pending.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush()?;
        self.peer.send(bytes)
    }

    fn body(&mut self, bytes: &[u8], drip: Option<Drip>) -> io::Result<()> {
        let Some(Drip { size, interval }) = drip else {
            return self.write(bytes);
        };
        for piece in bytes.chunks(size) {
            if std::mem::replace(&mut self.dripped, true) {
                self.peer.pause(interval)?;
            }
            self.write(piece)?;
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.peer.send(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }
}
