//! One request and its reply.

use std::borrow::Cow;
use std::io;

use super::body::{self, Framing};
use super::context::Context;
use super::deliver::deliver;
use crate::fault_server::cut::Cut;
use crate::fault_server::peer::{End, Peer};
use crate::fault_server::received::Received;
use crate::fault_server::record::Record;
use crate::fault_server::reply::{After, Reply, Upload};
use crate::fault_server::script::{Script, Stage};

/// Answers one request whose head has arrived. Returns how the connection ends, `None` when it
/// goes on.
pub(crate) fn exchange(
    mut request: Received,
    peer: &mut Peer,
    script: &Script,
    record: &Record,
) -> io::Result<Option<End>> {
    let framing = match Framing::of(&request) {
        Ok(framing) => framing,
        Err(reason) => return super::refuse(peer, reason),
    };
    let context = Context::of(&request, framing != Framing::NONE);
    if framing == Framing::NONE {
        request.complete(Vec::new());
    }
    let index = record.request_begun(request);
    let end = Exchange { index, context, framing, script, record }.run(peer);
    record.request_ended(index);
    match end {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            super::refuse(peer, &error.to_string())
        }
        end => end,
    }
}

struct Exchange<'a> {
    index: usize,
    context: Context,
    /// Of the body that is still to be read; [`Framing::NONE`] after it.
    framing: Framing,
    script: &'a Script,
    record: &'a Record,
}

impl<'a> Exchange<'a> {
    fn run(mut self, peer: &mut Peer) -> io::Result<Option<End>> {
        let reply = self.reply(peer)?;
        let never_read = reply.upload == Upload::NeverRead;
        let cut = deliver(peer, &reply, self.context)?;
        let unread = self.framing != Framing::NONE;
        let end = match (cut, self.context.after(&reply)) {
            (None, After::KeepAlive) if never_read && unread => End::StandStill,
            (None, After::KeepAlive) => return self.read_body(peer).map(|()| None),
            (Some(Cut::Stall), _) if never_read && unread => End::StandStill,
            (Some(Cut::Stall), _) => End::Stall,
            (Some(Cut::Reset), _) => End::Reset,
            (Some(Cut::Truncate), _) => End::Vanish,
            (None, After::HalfClose) => End::Linger,
            (None, After::CloseAtNextRequest) if !unread => End::AtNextRequest,
            _ if unread && !never_read => End::Linger,
            _ => End::Close,
        };
        Ok(Some(end))
    }

    /// The reply of the script. Reads the body of the request first, unless the reply is early.
    fn reply(&mut self, peer: &mut Peer) -> io::Result<Cow<'a, Reply>> {
        let early = self.ask(Stage::Head)?;
        if early.as_ref().is_none_or(|reply| reply.upload == Upload::ReadFirst) {
            let awaited = std::mem::take(&mut self.context.awaits_continue);
            if awaited && early.as_ref().is_none_or(|reply| !reply.withholds_continue) {
                peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            self.read_body(peer)?;
        }
        match early {
            Some(reply) => Ok(reply),
            None => self.ask(Stage::Whole)?.ok_or_else(|| io::ErrorKind::Other.into()),
        }
    }

    fn ask(&self, stage: Stage) -> io::Result<Option<Cow<'a, Reply>>> {
        let reply = self.script.reply(stage, self.index, || self.record.request(self.index));
        reply.map_err(|message| {
            self.record.script_panicked(message);
            io::ErrorKind::Other.into()
        })
    }

    /// Reads the body of the request, unless that was done.
    fn read_body(&mut self, peer: &mut Peer) -> io::Result<()> {
        if self.framing == Framing::NONE {
            return Ok(());
        }
        let record = self.record;
        let trailers =
            body::read(peer, self.framing, |bytes| record.body_arrived(self.index, bytes))?;
        record.body_completed(self.index, trailers);
        self.framing = Framing::NONE;
        Ok(())
    }
}
