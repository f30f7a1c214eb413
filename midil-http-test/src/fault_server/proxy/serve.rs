//! One connection to a proxy.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use super::asked::{Asked, Refused, Target};
use super::relay::relay;
use super::script::ProxyScript;
use crate::fault_server::http1::{self, HeadError};
use crate::fault_server::line::Line;
use crate::fault_server::peer::{End, Peer};
use crate::fault_server::received::Received;
use crate::fault_server::record::Record;
use crate::fault_server::reply::Reply;
use crate::fault_server::script::Script;
use crate::fault_server::service::Service;

impl Service for ProxyScript {
    fn serve(&self, connection: usize, line: Arc<Line>, record: &Record) {
        let mut peer = Peer::new(line);
        let end = loop {
            let step = match http1::read_head(&mut peer, connection) {
                Ok(Some(request)) => self.answer(request, &mut peer, record),
                Ok(None) => break End::Close,
                Err(HeadError::Malformed(reason)) => http1::refuse(&mut peer, reason),
                Err(HeadError::Io(error)) => Err(error),
            };
            match step {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(_) => break End::Close,
            }
        };
        peer.finish(end);
    }
}

impl ProxyScript {
    /// Serves one request. Returns how the connection ends, `None` when it goes on.
    fn answer(
        &self,
        request: Received,
        peer: &mut Peer,
        record: &Record,
    ) -> io::Result<Option<End>> {
        if self.authorization.is_some()
            && self.authorization.as_deref() != request.header("proxy-authorization")
        {
            let reply = Reply::status(407).header("proxy-authenticate", "Basic realm=\"test\"");
            return http1::exchange(request, peer, &reply.into(), record);
        }
        let scripted = if request.method() == "CONNECT" { &self.connect } else { &self.forward };
        if let Some(script) = scripted {
            return http1::exchange(request, peer, script, record);
        }
        match Asked::of(&request, self).and_then(|asked| asked.dial()) {
            Err(Refused(status)) => {
                let refusal = Script::always(Reply::status(status));
                http1::exchange(request, peer, &refusal, record)
            }
            Ok((target, greeting)) => {
                record.request_passed(request, greeting.is_none());
                match greeting {
                    None => peer.send(b"HTTP/1.1 200 \r\n\r\n")?,
                    Some(head) => io::Write::write_all(&mut &target, head.as_bytes())?,
                }
                Ok(Some(relay(peer, target, record)))
            }
        }
    }
}

impl Asked {
    /// The connection to the server, and what to say first; nothing for a tunnel.
    ///
    /// # Errors
    /// 502 where nobody listens.
    fn dial(self) -> Result<(TcpStream, Option<String>), Refused> {
        let (Target(addresses), greeting) = match self {
            Self::Tunnel(target) => (target, None),
            Self::Forward(target, head) => (target, Some(head)),
        };
        let target = TcpStream::connect(addresses.as_slice()).map_err(|_| Refused(502))?;
        Ok((target, greeting))
    }
}
