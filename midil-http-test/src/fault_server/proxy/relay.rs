//! Bytes between a client and a server, both ways, until both are silent.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;

use socket2::SockRef;

use crate::fault_server::line::Line;
use crate::fault_server::peer::{End, Peer};
use crate::fault_server::record::Record;

/// Relays between the client and `target`; returns how the client's connection is to end.
pub(super) fn relay(peer: &mut Peer, target: TcpStream, record: &Record) -> End {
    // Small writes are passed on as they come.
    let _ = target.set_nodelay(true);
    let line = Arc::clone(peer.line());
    let target = line.tie(target);
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("fault-server-relay".into());
        let down = thread.spawn_scoped(scope, || download(target, &line, record));
        let Ok(down) = down else { return End::Reset };
        if upload(peer, target, record).is_err() {
            // A reset is passed on.
            let _ = SockRef::from(target).set_linger(Some(std::time::Duration::ZERO));
            let _ = target.shutdown(Shutdown::Both);
        }
        match down.join() {
            Ok(Ok(())) => End::Close,
            _ => End::Reset,
        }
    })
}

/// Passes on what the client says, its end of the stream too.
fn upload(peer: &mut Peer, mut target: &TcpStream, record: &Record) -> io::Result<()> {
    loop {
        let arrived = peer.peek()?;
        let count = arrived.len();
        if count == 0 {
            return target.shutdown(Shutdown::Write);
        }
        target.write_all(arrived)?;
        record.relayed_to_target(count);
        peer.take(count);
    }
}

fn download(mut target: &TcpStream, line: &Line, record: &Record) -> io::Result<()> {
    let mut bytes = [0; 16 * 1024];
    loop {
        let passed = match target.read(&mut bytes) {
            Ok(0) => return line.socket.shutdown(Shutdown::Write),
            Ok(count) => line.write(&bytes[..count]).map(|()| record.relayed_to_client(count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = passed {
            // Wakes the upload, without a trace on the client's wire.
            let _ = line.socket.shutdown(Shutdown::Read);
            let _ = target.shutdown(Shutdown::Both);
            return Err(error);
        }
    }
}
