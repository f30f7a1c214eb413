//! [`Protocol`]: which HTTP a transport speaks.

/// Which versions of HTTP a transport speaks, and how it finds out what the server does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/2 where the server chooses it in the TLS handshake (ALPN), HTTP/1.1 elsewhere.
    #[default]
    Negotiated,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone, without asking the server: over plain http, too
    /// ([RFC 9113, section 3.3](https://www.rfc-editor.org/rfc/rfc9113#section-3.3)).
    Http2PriorKnowledge,
}
