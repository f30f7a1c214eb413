//! How a reply breaks off.

/// What happens where a [`Reply`](super::Reply) is cut.
///
/// ```
/// use midil_http_test::fault_server::{Cut, Reply};
///
/// let short = Reply::ok("hello").cut_body_after(2, Cut::Close);
/// let torn = Reply::ok("hello").cut_body_after(2, Cut::Reset);
/// let silent = Reply::ok("hello").cut_body_after(2, Cut::Stall);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The connection is closed: the client reads what was sent, then the end of the stream.
    Close,
    /// As [`Close`](Self::Close), but over TLS without the `close_notify` that tells an end from a
    /// cut ([RFC 8446, section 6.1](https://www.rfc-editor.org/rfc/rfc8446#section-6.1)).
    Truncate,
    /// The connection is reset: the client reads what was sent, then `ECONNRESET`. On systems other
    /// than Linux the reset may overtake bytes that the client has not read yet.
    Reset,
    /// The connection stays open and silent, until the client closes it or the server is dropped.
    Stall,
}
