//! What a proxy does with what it is asked.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use crate::fault_server::reply::Reply;
use crate::fault_server::script::Script;

/// What a [`ProxyServer`](super::ProxyServer) does with what it is asked; by default all of it.
///
/// ```
/// use std::net::SocketAddr;
///
/// use midil_http_test::fault_server::{FaultServer, ProxyScript, ProxyServer, Reply};
///
/// let server = FaultServer::always(Reply::ok("hi"));
/// // `api.example.com` is a name that the proxy alone knows.
/// let open = ProxyServer::start(ProxyScript::new().host("api.example.com", server.address()));
/// let closed = ProxyServer::start(ProxyScript::new().answer_connect(Reply::status(502)));
/// let silent = ProxyServer::start(ProxyScript::new().answer_connect(Reply::stall()));
/// let down = ProxyServer::start(ProxyScript::new().answer_forward(Reply::status(502)));
/// assert_eq!(down.tunnels(), 0);
/// silent.wait_until(|seen| seen.tunnels() == 0 && seen.relayed_to_clients() == 0);
/// ```
#[must_use]
#[derive(Default)]
pub struct ProxyScript {
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<String>,
    pub(super) hosts: HashMap<String, SocketAddr>,
    pub(super) connect: Option<Script>,
    pub(super) forward: Option<Script>,
}

impl ProxyScript {
    /// Forwards and tunnels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers 407 to those who do not say that they are `user`, by Basic credentials
    /// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        self.authorization = Some(format!("Basic {}", base64(&format!("{user}:{password}"))));
        self
    }

    /// Reaches the host `name`, at any port, at `address`.
    pub fn host(mut self, name: impl Into<String>, address: SocketAddr) -> Self {
        self.hosts.insert(name.into().to_ascii_lowercase(), address);
        self
    }

    /// Opens no tunnels: each `CONNECT` gets this answer, with all that a [`Reply`] can do.
    /// [`Reply::status`] refuses, [`Reply::stall`] leaves the client waiting,
    /// [`Reply::close_before_head`] closes on it, [`Reply::cut_head_after`] within the answer.
    pub fn answer_connect(mut self, reply: Reply) -> Self {
        self.connect = Some(reply.into());
        self
    }

    /// Forwards nothing: each request with a whole URL gets this answer.
    pub fn answer_forward(mut self, reply: Reply) -> Self {
        self.forward = Some(reply.into());
        self
    }
}

/// RFC 4648 section 4: not worth a dependency.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let byte = |index| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap_or_default();
            encoded.push(if digit <= group.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    encoded
}

/// Without the credentials.
impl fmt::Debug for ProxyScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyScript")
            .field("basic_auth", &self.authorization.is_some())
            .field("hosts", &self.hosts)
            .field("connect", &self.connect)
            .field("forward", &self.forward)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(base64);
        let expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        assert_eq!(all, expected);
    }
}
