//! [`Http2Reply`]: what the server answers on one stream.

use std::sync::Arc;

use crate::fault_server::cut::Cut;
use crate::fault_server::gate::Gate;
use crate::fault_server::reply::{Fields, Interim};

/// The answer on one stream of HTTP/2: a response, and what goes wrong with it.
///
/// Reasons are the codes of
/// [RFC 9113, section 7](https://www.rfc-editor.org/rfc/rfc9113#section-7). A response with a body gets its
/// `content-length`, unless there are trailers, or the reply has that header already. Replies to `HEAD`, and those with
/// status 204 or 304, are sent without their body.
///
/// ```
/// use midil_http_test::fault_server::{Cut, Http2Reply, Http2Server};
///
/// const INTERNAL_ERROR: u32 = 2;
/// let server = Http2Server::start([
///     Http2Reply::refused(),
///     Http2Reply::ok("hello").reset_body_after(2, INTERNAL_ERROR),
///     Http2Reply::ok("hello").cut_body_after(2, Cut::Close),
///     Http2Reply::ok("hello").trailer("x-sum", "7"),
/// ]);
/// ```
#[must_use]
#[derive(Clone)]
pub struct Http2Reply {
    pub(super) status: u16,
    pub(super) headers: Fields,
    pub(super) body: Arc<[u8]>,
    pub(super) trailers: Fields,
    pub(super) interim: Vec<Interim>,
    pub(super) hold: Option<Gate>,
    /// The gate, and after how many bytes of the body it stands.
    pub(super) hold_body: Option<(usize, Gate)>,
    /// The reason of a GOAWAY before the head.
    pub(super) go_away: Option<u32>,
    pub(super) fault: Option<(Place, Fault)>,
    pub(super) upload: Upload,
}

/// A place in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    BeforeHead,
    /// After the head and so many bytes of the body.
    Body(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// RST_STREAM, for this reason.
    Reset(u32),
    /// A GOAWAY that says that the stream was not processed, for this reason.
    Unprocessed(u32),
    /// A head that does not decode.
    Garbage,
    /// The end of the connection; of a stall, silence on the stream.
    Cut(Cut),
}

/// What is done with the body of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    ReadFirst,
    ReadAfter,
    /// Reset when the reply is over.
    ResetAfter,
    NeverRead,
}

impl Http2Reply {
    /// Status 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// A status, without headers or a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Fields::default(),
            body: Arc::default(),
            trailers: Fields::default(),
            interim: Vec::new(),
            hold: None,
            hold_body: None,
            go_away: None,
            fault: None,
            upload: Upload::ReadFirst,
        }
    }

    /// Adds a header. Its name is written in small letters; one that is no header is left out.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(name.into(), value.into());
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into().into();
        self
    }

    /// Adds a trailer.
    pub fn trailer(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.trailers.push(name.into(), value.into());
        self
    }

    /// Sends an interim response (103) before the head.
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

    /// Waits at `gate` before the head, once interim responses are sent.
    pub fn hold(mut self, gate: &Gate) -> Self {
        self.hold = Some(gate.clone());
        self
    }

    /// Sends the head and waits at `gate` before the body.
    pub fn hold_body(self, gate: &Gate) -> Self {
        self.hold_body_after(0, gate)
    }

    /// Sends the head and `count` bytes of the body and waits at `gate` before the rest.
    pub fn hold_body_after(mut self, count: usize, gate: &Gate) -> Self {
        self.hold_body = Some((count, gate.clone()));
        self
    }
}

/// # Faults
///
/// ```
/// use midil_http_test::fault_server::{Cut, Gate, Http2Reply, Http2Server};
///
/// const ENHANCE_YOUR_CALM: u32 = 11;
/// let gate = Gate::new();
/// let server = Http2Server::start([
///     Http2Reply::unprocessed(0),
///     Http2Reply::ok("the last one").go_away(ENHANCE_YOUR_CALM),
///     Http2Reply::garbage(),
///     Http2Reply::cut_before_head(Cut::Reset),
///     Http2Reply::ok("hello").hold_body(&gate), // the same as hold_body_after(0, …)
///     Http2Reply::ok("hello").hold_body_after(2, &gate),
///     Http2Reply::status(413).reset_upload(),
/// ]);
/// ```
impl Http2Reply {
    /// Resets the stream with `REFUSED_STREAM`: the request was not processed.
    pub fn refused() -> Self {
        Self::reset_before_head(7)
    }

    /// Resets the stream before the head, for `reason`.
    pub fn reset_before_head(reason: u32) -> Self {
        Self::broken(Fault::Reset(reason))
    }

    /// Resets the stream after the head and `count` bytes of the body, for `reason`.
    pub fn reset_body_after(self, count: usize, reason: u32) -> Self {
        self.breaking(Place::Body(count), Fault::Reset(reason))
    }

    /// Says by a GOAWAY, for `reason` (0 is none), that this stream was not processed, and answers
    /// those before it. The connection is closed when it has done so; streams that come later are
    /// neither answered nor recorded.
    pub fn unprocessed(reason: u32) -> Self {
        Self::broken(Fault::Unprocessed(reason))
    }

    /// Says by a GOAWAY before the head, for `reason` (0 is none), that this stream is the last, and
    /// goes on with the reply. The connection is closed when its streams are over; those that come
    /// later are neither answered nor recorded.
    pub fn go_away(mut self, reason: u32) -> Self {
        self.go_away = Some(reason);
        self
    }

    /// Answers with a head that does not decode.
    pub fn garbage() -> Self {
        Self::broken(Fault::Garbage)
    }

    /// Never answers on this stream; others go on.
    pub fn stall() -> Self {
        Self::cut_before_head(Cut::Stall)
    }

    /// Ends the connection, with whatever other streams it has, before the head. With
    /// [`Cut::Stall`] it is the stream alone that falls silent.
    pub fn cut_before_head(cut: Cut) -> Self {
        Self::broken(Fault::Cut(cut))
    }

    /// The same after the head and `count` bytes of the body.
    pub fn cut_body_after(self, count: usize, cut: Cut) -> Self {
        self.breaking(Place::Body(count), Fault::Cut(cut))
    }

    /// Falls silent on this stream after the head and `count` bytes of the body.
    pub fn stall_body_after(self, count: usize) -> Self {
        self.cut_body_after(count, Cut::Stall)
    }

    fn broken(fault: Fault) -> Self {
        Self::status(200).breaking(Place::BeforeHead, fault)
    }

    fn breaking(mut self, place: Place, fault: Fault) -> Self {
        self.fault = Some((place, fault));
        self
    }

    /// Answers as soon as the head of the request has arrived, and reads the request's body after
    /// the answer. Without effect in
    /// [`Script::respond_with`](crate::fault_server::Script::respond_with).
    pub fn before_body(mut self) -> Self {
        self.upload = Upload::ReadAfter;
        self
    }

    /// Answers as soon as the head of the request has arrived, and then resets the stream with
    /// `NO_ERROR` if the request's body is not over: the client is to stop sending and keep the
    /// response ([RFC 9113, section 8.1](https://www.rfc-editor.org/rfc/rfc9113#section-8.1)). Without effect in
    /// [`Script::respond_with`](crate::fault_server::Script::respond_with).
    pub fn reset_upload(mut self) -> Self {
        self.upload = Upload::ResetAfter;
        self
    }

    /// Answers as soon as the head of the request has arrived, and never reads the request's body:
    /// an upload fills the window of the stream (64 KiB) and stops. Without effect in
    /// [`Script::respond_with`](crate::fault_server::Script::respond_with).
    pub fn stop_reading(mut self) -> Self {
        self.upload = Upload::NeverRead;
        self
    }
}

/// Without values, which may be credentials.
impl std::fmt::Debug for Http2Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http2Reply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .field("trailers", &self.trailers)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
