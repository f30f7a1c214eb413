//! What goes wrong with a reply.

use std::time::Duration;

use super::{After, Drip, Framing, Place, Reply, Upload};
use crate::fault_server::{ChunkFault, Cut, Gate};

/// # Faults
/// Bytes of the body are counted without the framing of chunks.
///
/// ```
/// use std::time::Duration;
/// use midil_http_test::fault_server::{ChunkFault, Cut, FaultServer, Gate, Reply};
///
/// let gate = Gate::new();
/// let server = FaultServer::sequence([
///     Reply::close_before_head(), // or reset_before_head, stall
///     Reply::garbage(),
///     Reply::ok("hello").cut_head_after(10, Cut::Reset),
///     Reply::ok("hello").stall_body_after(2),
///     Reply::ok("hello").break_chunk(ChunkFault::Size),
///     Reply::ok("hello").drip(1, Duration::from_millis(10)),
///     Reply::ok("hello").hold_body(&gate), // the same as hold_body_after(0, …)
///     Reply::ok("hello").hold_body_after(2, &gate),
///     Reply::status(413).before_body().stop_reading(),
///     Reply::status(417).withhold_continue(),
///     Reply::ok("hello").close_silently(), // or half_close
///     Reply::ok("hello").half_close(),
/// ]);
/// ```
impl Reply {
    /// Reads the request and closes the connection.
    pub fn close_before_head() -> Self {
        Self::ok("").cut_head_after(0, Cut::Close)
    }

    /// Reads the request and resets the connection.
    pub fn reset_before_head() -> Self {
        Self::ok("").cut_head_after(0, Cut::Reset)
    }

    /// Reads the request and never answers.
    pub fn stall() -> Self {
        Self::ok("").cut_head_after(0, Cut::Stall)
    }

    /// Answers with bytes that are no HTTP, and closes.
    pub fn garbage() -> Self {
        Self::raw(b"\x16\x03\x01 garbage\x00\xff\xfe, not a status line\r\n\r\n")
    }

    /// Cuts the reply after `count` bytes of its head; if the head is shorter, right after it.
    pub fn cut_head_after(mut self, count: usize, cut: Cut) -> Self {
        self.cut = Some((Place::Head(count), cut));
        self
    }

    /// Cuts the reply after its head and `count` bytes of its body; if the body is shorter, after
    /// its last byte. A chunked body lacks its end then in any case.
    ///
    /// ```
    /// use midil_http_test::fault_server::{Cut, Reply};
    ///
    /// let unfinished = Reply::ok("").chunked(["one", "two"]).cut_body_after(6, Cut::Close);
    /// ```
    pub fn cut_body_after(mut self, count: usize, cut: Cut) -> Self {
        self.cut = Some((Place::Body(count), cut));
        self
    }

    /// Falls silent after the head and `count` bytes of the body.
    pub fn stall_body_after(self, count: usize) -> Self {
        self.cut_body_after(count, Cut::Stall)
    }

    /// Ends the body, which becomes a chunked one, with a chunk that is broken.
    pub fn break_chunk(self, fault: ChunkFault) -> Self {
        Self { chunk_fault: Some(fault), ..self.into_chunks() }
    }

    /// Adds headers of `bytes` bytes in all, about 8 KiB each: a head that no client should put up
    /// with.
    ///
    /// ```
    /// use midil_http_test::fault_server::Reply;
    ///
    /// let reply = Reply::ok("hi").pad_head(4 * 1024 * 1024);
    /// ```
    pub fn pad_head(mut self, bytes: usize) -> Self {
        const LINE: usize = 8 * 1024;
        // Of the name, the colon, the space and the CRLF.
        const AROUND: usize = "x-padding: \r\n".len();
        for start in (0..bytes).step_by(LINE) {
            let length = LINE.min(bytes - start).saturating_sub(AROUND);
            self = self.header("x-padding", vec![b'x'; length]);
        }
        self
    }

    /// Declares this length of a plain body, whatever it is. Where the body is shorter, the
    /// connection is closed after it (but see [`keep_alive`](Self::keep_alive)); where it is longer,
    /// the rest follows, in the place of the next response.
    ///
    /// ```
    /// use midil_http_test::fault_server::Reply;
    ///
    /// let short = Reply::ok("hello").content_length(100);
    /// let long = Reply::ok("hello, world").content_length(5);
    /// ```
    pub fn content_length(mut self, declared: u64) -> Self {
        self.framing = Framing::Declared(declared);
        self
    }

    /// Sends the body in pieces of `size` bytes (at least 1), one every `interval`, the first one
    /// with the head. A pause ends at once when the client closes the connection or the server is
    /// dropped.
    pub fn drip(mut self, size: usize, interval: Duration) -> Self {
        self.drip = Some(Drip { size: size.max(1), interval });
        self
    }

    /// Waits at `gate` before the head, once the request has been read and interim responses sent.
    ///
    /// A client that closes the connection meanwhile, or only its sending half, ends the reply.
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

    /// Answers as soon as the head of the request has arrived, and reads the request's body after
    /// the answer (or not at all, where the connection is closed then). A client that waits for
    /// `100 Continue` does not get it, and the connection is closed.
    ///
    /// Without effect in [`Script::respond_with`](crate::fault_server::Script::respond_with), which
    /// is asked when the body has been read.
    pub fn before_body(mut self) -> Self {
        self.upload = Upload::ReadAfter;
        self
    }

    /// Reads the request's body without sending `100 Continue` before: a client that waits for it
    /// has to give up waiting, as it must
    /// ([RFC 9110, section 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1)).
    ///
    /// Without effect where the reply is made by a closure, which is asked too late
    /// ([`Script::respond_with`](crate::fault_server::Script::respond_with)).
    pub fn withhold_continue(mut self) -> Self {
        self.withholds_continue = true;
        self
    }

    /// Never reads the body of the request: an upload fills the buffers of the system (on Linux
    /// some 4 MiB, most of them the client's) and stops. The reply is sent [before it](Self::before_body); with
    /// [`stall`](Self::stall) there is none.
    ///
    /// The connection lasts until the server is dropped, since the end of a stream that is not read
    /// cannot be seen. A reply that closes does so over the unread bytes, so that the client is
    /// likely to find the connection reset in the midst of its upload. Without effect in
    /// [`Script::respond_with`](crate::fault_server::Script::respond_with).
    pub fn stop_reading(mut self) -> Self {
        self.upload = Upload::NeverRead;
        self
    }

    /// Answers as if the connection were to be kept alive, and closes it: the client finds it stale
    /// at its next request. The closing follows the reply; a test that wants to be sure of it calls
    /// [`wait_for_connections_closed`](crate::fault_server::FaultServer::wait_for_connections_closed).
    pub fn close_silently(mut self) -> Self {
        self.after = Some(After::CloseSilently);
        self
    }
    /// Answers as if the connection were to be kept alive, and closes the sending half alone: what
    /// the client still sends is swallowed, and the connection lasts until it closes too.
    pub fn half_close(mut self) -> Self {
        self.after = Some(After::HalfClose);
        self
    }

    /// Answers as if the connection were to be kept alive, and closes it over the next request when
    /// that begins to arrive: the race that every keep-alive connection may lose. The client finds
    /// the connection reset; the request is not read, and not recorded.
    ///
    /// ```
    /// use midil_http_test::fault_server::{FaultServer, Reply};
    ///
    /// let server = FaultServer::sequence([Reply::ok("1").close_at_next_request(), Reply::ok("2")]);
    /// ```
    pub fn close_at_next_request(mut self) -> Self {
        self.after = Some(After::CloseAtNextRequest);
        self
    }
}
