//! [`Handshake`]: what client and server agreed on.

use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

/// What a client and a server agreed on in a TLS handshake, see
/// [`Received::handshake`](crate::fault_server::Received::handshake).
///
/// ```
/// use midil_http_test::fault_server::{FaultServer, Reply, Script, Tls};
///
/// let server = FaultServer::start_tls(
///     Script::respond_with(|request| match request.handshake() {
///         Some(handshake) if !handshake.is_tls13() || handshake.server_name().is_some() => Reply::status(421),
///         Some(handshake) if handshake.client_certificate() => Reply::ok("known"),
///         Some(handshake) if handshake.resumed() || handshake.alpn() == Some("http/1.1") => Reply::status(403),
///         _ => Reply::status(401),
///     }),
///     &Tls::good().request_client_certificate(),
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Handshake {
    alpn: Option<String>,
    server_name: Option<String>,
    client_certificate: bool,
    tls13: bool,
    resumed: bool,
}

impl Handshake {
    pub(super) fn of(connection: &ServerConnection) -> Self {
        let alpn = connection.alpn_protocol();
        Self {
            alpn: alpn.map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            server_name: connection.server_name().map(str::to_owned),
            client_certificate: connection.peer_certificates().is_some_and(|all| !all.is_empty()),
            tls13: connection.protocol_version() == Some(ProtocolVersion::TLSv1_3),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// The protocol that was chosen (ALPN), `http/1.1`; `None` where the client offered none.
    #[must_use]
    pub fn alpn(&self) -> Option<&str> {
        self.alpn.as_deref()
    }

    /// The name that the client asked for (SNI); `None` where it asked for an address.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Whether the client showed a certificate, which was signed by
    /// [`Authority::shared`](super::Authority::shared) then.
    #[must_use]
    pub fn client_certificate(&self) -> bool {
        self.client_certificate
    }

    /// Whether it is TLS 1.3, not 1.2.
    #[must_use]
    pub fn is_tls13(&self) -> bool {
        self.tls13
    }

    /// Whether the client resumed an earlier session.
    #[must_use]
    pub fn resumed(&self) -> bool {
        self.resumed
    }
}
