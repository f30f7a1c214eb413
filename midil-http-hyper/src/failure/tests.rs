#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test expects")]

use std::fmt;

use super::*;

/// An error with a cause, as libraries nest them.
#[derive(Debug)]
struct Nested(BoxError);

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl StdError for Nested {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

fn verdict(error: Error) -> (TransportErrorKind, Sent) {
    let Error::Transport(error) = error else { panic!("no transport error: {error:?}") };
    (error.kind(), error.sent())
}

#[test]
fn what_the_system_says_is_found_however_deep() {
    for (kind, expected) in [
        (ErrorKind::ConnectionReset, Some(Reset)),
        (ErrorKind::ConnectionAborted, Some(Reset)),
        (ErrorKind::BrokenPipe, Some(Reset)),
        (ErrorKind::UnexpectedEof, Some(Closed)),
        (ErrorKind::InvalidData, Some(Protocol)),
        (ErrorKind::TimedOut, None),
        (ErrorKind::NotFound, None),
    ] {
        let io = io::Error::other(Nested(io::Error::from(kind).into()));
        let error = Nested(io.into());
        assert_eq!(causes(&error).find_map(kind_of), expected, "{kind:?}");
    }
}

#[test]
fn a_failed_connection_was_not_sent() {
    let refused = io::Error::from(ErrorKind::ConnectionRefused);
    assert_eq!(verdict(in_connect(refused.into())), (Connect, Sent::No));
    let nameless = Nested(Unresolved::new(io::Error::other("no such host")).into());
    assert_eq!(verdict(in_connect(nameless.into())), (Dns, Sent::No));
}

#[cfg(feature = "rustls")]
#[test]
fn tls_is_found_within_the_error_of_a_socket() {
    let tls = io::Error::new(ErrorKind::InvalidData, rustls::Error::NoCertificatesPresented);
    assert_eq!(verdict(in_connect(tls.into())), (Tls, Sent::No));
}

/// Each address has its share of the time; hyper-util says then what we would have said.
#[test]
fn who_gave_up_does_not_matter() {
    let limit = Duration::from_secs(3);
    let slow = in_connect(Nested(io::Error::from(ErrorKind::TimedOut).into()).into());
    assert!(
        matches!(connect_timeout(slow, limit), Error::Timeout(error) if error.after() == limit)
    );
    let refused = in_connect(io::Error::from(ErrorKind::ConnectionRefused).into());
    assert_eq!(verdict(connect_timeout(refused, limit)), (Connect, Sent::No));
    #[cfg(target_os = "linux")]
    {
        let by_the_system = in_connect(io::Error::from_raw_os_error(110).into());
        assert_eq!(verdict(connect_timeout(by_the_system, limit)), (Connect, Sent::No));
    }
}

#[cfg(feature = "http2")]
#[test]
fn an_http2_error_of_our_own_was_not_refused() {
    let ours = h2::Error::from(h2::Reason::REFUSED_STREAM);
    assert_eq!(kind_of_http2(&ours), Some(Reset));
}
