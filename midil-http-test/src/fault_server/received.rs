//! A request as the server received it.

use std::fmt;
#[cfg(feature = "tls")]
use std::sync::Arc;

use super::checksum::Checksum;
#[cfg(feature = "tls")]
use super::tls::Handshake;

/// A request, as far as it has arrived.
///
/// It is recorded when its head is complete; the body grows as it comes in. A client that gives up
/// in between leaves a request whose [`body_complete`](Self::body_complete) is `false`.
///
/// Its `Debug` shows neither query nor header values nor body, which may be credentials.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{FaultServer, Reply};
///
/// let server = FaultServer::always(Reply::status(204).close());
/// let mut client = TcpStream::connect(server.address())?;
/// client.write_all(b"POST /users HTTP/1.1\r\nX-Id: 7\r\ncontent-length: 3\r\n\r\nabc")?;
/// client.read_to_end(&mut Vec::new())?;
///
/// let request = &server.requests()[0];
/// assert_eq!((request.method(), request.target()), ("POST", "/users"));
/// assert_eq!(request.header("x-id"), Some("7"));
/// assert_eq!(request.body(), b"abc");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Received {
    connection: usize,
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, String)>,
    head_bytes: Vec<u8>,
    trailers: Vec<(String, String)>,
    complete: bool,
    body: Vec<u8>,
    body_bytes: u64,
    /// Of the whole body, once it is longer than what is kept.
    checksum: Option<Checksum>,
    #[cfg(feature = "tls")]
    handshake: Option<Arc<Handshake>>,
}

impl Received {
    /// A request of which nothing but the head has arrived.
    pub(super) fn new(
        connection: usize,
        [method, target, version]: [String; 3],
        headers: Vec<(String, String)>,
        head_bytes: Vec<u8>,
    ) -> Self {
        Self {
            connection,
            method,
            target,
            version,
            headers,
            head_bytes,
            trailers: Vec::new(),
            complete: false,
            body: Vec::new(),
            body_bytes: 0,
            checksum: None,
            #[cfg(feature = "tls")]
            handshake: None,
        }
    }

    /// The same, over a connection that began with `handshake`.
    #[cfg(feature = "tls")]
    pub(super) fn over(self, handshake: Option<Arc<Handshake>>) -> Self {
        Self { handshake, ..self }
    }

    /// The body has arrived to its end.
    pub(super) fn complete(&mut self, trailers: Vec<(String, String)>) {
        self.complete = true;
        self.trailers = trailers;
    }

    /// Adds `bytes` to the body, of which `limit` are kept.
    pub(super) fn extend_body(&mut self, bytes: &[u8], limit: usize) {
        self.body_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let room = limit.saturating_sub(self.body.len());
        if self.checksum.is_none() && bytes.len() > room {
            self.checksum = Some(Checksum::EMPTY.plus(&self.body));
        }
        self.checksum = self.checksum.map(|sum| sum.plus(bytes));
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The connection that it came over, counted from 0 in the order of acceptance.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// The method, `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The target as it stood in the request line, `/users?limit=10`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The target without its query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The version as it stood in the request line, `HTTP/1.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Names and values in the order and spelling of the client. Bytes that are not UTF-8 show as
    /// replacement characters; [`head_bytes`](Self::head_bytes) has them as they came.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The first value of the header `name`, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// All values of the header `name`, whatever its case, in order.
    pub fn headers_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The whole head as it came, its empty line included.
    #[must_use]
    pub fn head_bytes(&self) -> &[u8] {
        &self.head_bytes
    }

    /// The body as far as it has arrived, decoded from its chunks, and as far as it is kept (see
    /// [`FaultServer::body_limit`](super::FaultServer::body_limit)).
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// How many bytes of the body have arrived, kept or not, decoded from their chunks.
    #[must_use]
    pub fn body_bytes_received(&self) -> u64 {
        self.body_bytes
    }

    /// Whether the body has arrived to its end. A request without a body is complete.
    #[must_use]
    pub fn body_complete(&self) -> bool {
        self.complete
    }

    /// A checksum of all bytes that [`body_bytes_received`](Self::body_bytes_received) counts, to
    /// compare with [`checksum`](Self::checksum) of what was sent.
    ///
    /// ```
    /// use midil_http_test::fault_server::{FaultServer, Received, Reply};
    ///
    /// let server = FaultServer::respond_with(|request: &Received| {
    ///     let whole = request.body_checksum() == Received::checksum(["hello"]);
    ///     Reply::ok(format!("{whole}, over connection {}", request.connection()))
    /// });
    /// ```
    #[must_use]
    pub fn body_checksum(&self) -> u64 {
        self.checksum.unwrap_or_else(|| Checksum::EMPTY.plus(&self.body)).value()
    }

    /// The checksum (FNV-1a, 64 bits) of `parts` one after the other.
    ///
    /// ```
    /// use midil_http_test::fault_server::Received;
    ///
    /// assert_eq!(Received::checksum(["ab", "c"]), Received::checksum(["abc"]));
    /// ```
    pub fn checksum<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> u64 {
        parts.into_iter().fold(Checksum::EMPTY, |sum, part| sum.plus(part.as_ref())).value()
    }

    /// What was agreed on in the TLS handshake of its connection; `None` over plain http.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_deref()
    }

    /// The protocol that was chosen in the TLS handshake (ALPN), `h2`; `None` where none was.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn alpn(&self) -> Option<&str> {
        self.handshake()?.alpn()
    }

    /// The trailers of a chunked body.
    #[must_use]
    pub fn trailers(&self) -> &[(String, String)] {
        &self.trailers
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Vec::from_iter(self.headers.iter().map(|(name, _)| name));
        f.debug_struct("Received")
            .field("connection", &self.connection)
            .field("method", &self.method)
            .field("path", &self.path())
            .field("version", &self.version)
            .field("header_names", &names)
            .field("body_bytes_received", &self.body_bytes)
            .field("body_complete", &self.complete)
            .finish_non_exhaustive()
    }
}
