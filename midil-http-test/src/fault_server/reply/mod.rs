//! What the server answers to one request.

mod chunk_fault;
mod faults;
mod parts;

use std::sync::Arc;

pub use self::chunk_fault::ChunkFault;
pub(super) use self::parts::{After, Drip, Fields, Framing, Interim, Payload, Place, Upload};
use super::cut::Cut;
use super::gate::Gate;

/// The answer to one request: a response, and what goes wrong with it.
///
/// Nothing is checked and little is added: names, values and status are sent as they are given. A
/// reply with a status gets the header that frames its body (unless it has one already), and
/// `connection: close` where it closes. Replies to `HEAD`, and those with status 1xx, 204 or 304,
/// are sent without their body; [`raw`](Self::raw) sends what breaks that rule.
///
/// Clones share the body.
///
/// ```
/// use midil_http_test::fault_server::{FaultServer, Reply};
///
/// let server = FaultServer::sequence([
///     Reply::status(429).header("retry-after", "2"),
///     Reply::ok(r#"{"users":[]}"#).header("content-type", "application/json"),
///     Reply::ok("").chunked(["one", "two"]).trailer("x-count", "2"),
///     Reply::ok("until the connection ends").http10(), // the same as until_close, in an older version
///     Reply::ok("until the connection ends").until_close(),
/// ]);
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Reply {
    /// `None`: nothing but the bytes of the payload.
    pub(super) status: Option<u16>,
    /// The status line says HTTP/1.0.
    pub(super) http10: bool,
    pub(super) headers: Fields,
    pub(super) payload: Payload,
    pub(super) framing: Framing,
    pub(super) trailers: Fields,
    /// Of the chunk after the last one.
    pub(super) chunk_fault: Option<ChunkFault>,
    pub(super) interim: Vec<Interim>,
    pub(super) hold: Option<Gate>,
    /// The gate, and after how many bytes of the body it stands.
    pub(super) hold_body: Option<(usize, Gate)>,
    pub(super) drip: Option<Drip>,
    pub(super) cut: Option<(Place, Cut)>,
    pub(super) upload: Upload,
    pub(super) withholds_continue: bool,
    /// `None`: as the framing needs it.
    pub(super) after: Option<After>,
}

impl Reply {
    /// Status 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// A status, without headers or a body.
    pub fn status(status: u16) -> Self {
        Self::new(Some(status))
    }

    /// These bytes and no others, HTTP or not, then the connection is closed. The bytes count as
    /// the body, for [`drip`](Self::drip) and [`cut_body_after`](Self::cut_body_after).
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(None).body(bytes)
    }

    fn new(status: Option<u16>) -> Self {
        Self {
            status,
            http10: false,
            headers: Fields::default(),
            payload: Payload::Plain(Arc::default()),
            framing: Framing::Length,
            trailers: Fields::default(),
            chunk_fault: None,
            interim: Vec::new(),
            hold: None,
            hold_body: None,
            drip: None,
            cut: None,
            upload: Upload::ReadFirst,
            withholds_continue: false,
            after: None,
        }
    }

    /// Adds a header. One that frames the body (`content-length`, `transfer-encoding`) takes the
    /// place of the server's.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(name.into(), value.into());
        self
    }

    /// Sets the body, to be sent with its length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.payload = Payload::Plain(body.into().into());
        self
    }

    /// Sets the body, to be sent in these chunks. Empty ones are left out: one would be the end.
    pub fn chunked<C: Into<Vec<u8>>>(mut self, chunks: impl IntoIterator<Item = C>) -> Self {
        let chunks = chunks.into_iter().map(Into::into);
        self.payload = Payload::Chunks(chunks.filter(|chunk| !chunk.is_empty()).collect());
        self
    }

    /// Answers with HTTP/1.0: the connection is closed after the reply, which the head does not say
    /// (but see [`keep_alive`](Self::keep_alive)). The body has its length, or, with
    /// [`until_close`](Self::until_close), ends with the connection.
    pub fn http10(mut self) -> Self {
        self.http10 = true;
        self
    }

    /// Adds a trailer, which makes the body a chunked one.
    pub fn trailer(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self = self.into_chunks();
        self.trailers.push(name.into(), value.into());
        self
    }

    fn into_chunks(self) -> Self {
        match &self.payload {
            Payload::Chunks(_) => self,
            Payload::Plain(body) => {
                let body = body.to_vec();
                self.chunked([body])
            }
        }
    }

    /// Sends a plain body without its length: it ends where the connection is closed, which is said
    /// in the head only with [`close`](Self::close).
    pub fn until_close(mut self) -> Self {
        self.framing = Framing::Close;
        self
    }

    /// Sends an interim response (100, 103) before the head.
    ///
    /// ```
    /// use midil_http_test::fault_server::Reply;
    ///
    /// let reply = Reply::ok("page").interim(103, [("link", "</style.css>; rel=preload")]);
    /// ```
    pub fn interim<N, V>(mut self, status: u16, headers: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<Vec<u8>>,
    {
        let mut interim = Interim { status, headers: Fields::default() };
        for (name, value) in headers {
            interim.headers.push(name.into(), value.into());
        }
        self.interim.push(interim);
        self
    }

    /// Says `connection: close`, and closes the connection after the reply.
    pub fn close(mut self) -> Self {
        self.after = Some(After::Close);
        self
    }

    /// Leaves the connection open after the reply, also where the client cannot know that the body
    /// is over. Most replies do so by themselves; the others are [`raw`](Self::raw),
    /// [`until_close`](Self::until_close) and those with too great a
    /// [`content_length`](Self::content_length).
    pub fn keep_alive(mut self) -> Self {
        self.after = Some(After::KeepAlive);
        self
    }
}
