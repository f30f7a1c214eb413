//! What a reply must know of its request.

use crate::fault_server::received::Received;
use crate::fault_server::reply::{After, Framing, Payload, Reply};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// A `HEAD` request: the reply has no body, but the headers of one.
    head_only: bool,
    /// The client said `connection: close`, or speaks HTTP/1.0.
    client_closes: bool,
    /// The client waits for `100 Continue` before it sends its body.
    pub(crate) awaits_continue: bool,
}

impl Context {
    pub(crate) fn of(request: &Received, has_body: bool) -> Self {
        let says = |name, word: &str| {
            let mut words = request.headers_named(name).flat_map(|value| value.split(','));
            words.any(|known| known.trim().eq_ignore_ascii_case(word))
        };
        let old = request.version() == "HTTP/1.0";
        Self {
            head_only: request.method() == "HEAD",
            client_closes: says("connection", "close")
                || (old && !says("connection", "keep-alive")),
            awaits_continue: has_body && !old && says("expect", "100-continue"),
        }
    }

    /// Whether `reply` is to be sent with its body.
    pub(crate) fn sends_body(self, reply: &Reply) -> bool {
        !self.head_only && !matches!(reply.status, Some(100..200 | 204 | 304))
    }

    /// What becomes of the connection after a whole `reply`.
    pub(crate) fn after(self, reply: &Reply) -> After {
        let open_end = match (&reply.payload, reply.framing) {
            (_, _) if reply.status.is_none() => true,
            (_, _) if !self.sends_body(reply) => false,
            (Payload::Plain(_), Framing::Close) => true,
            (Payload::Plain(body), Framing::Declared(length)) => {
                u64::try_from(body.len()).is_ok_and(|sent| sent < length)
            }
            _ => false,
        };
        match reply.after {
            Some(after) => after,
            None if open_end || reply.http10 => After::CloseSilently,
            // Whether a client that was not told to continue still sends its body is unknown.
            None if self.client_closes || self.awaits_continue => After::Close,
            None => After::KeepAlive,
        }
    }
}
