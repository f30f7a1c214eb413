//! What cannot be sent at all is refused, before anything is.

use midil_http_core::{Error, Sent, Transport};
use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{get, run, transport};

#[test]
fn what_cannot_be_sent_at_all_is_a_build_error() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok(""));
        let mut newest = get(&server.url());
        newest.head_mut().version = http::Version::HTTP_3;
        // Nothing but a TLS handshake could agree on it.
        let mut newer = get(&server.url());
        newer.head_mut().version = http::Version::HTTP_2;
        let userinfo = get(&server.url().replace("//", "//user:hunter2@"));
        for request in [get("ftp://localhost/"), get("data:,"), newest, newer, userinfo] {
            let error = transport.send(request).await.unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            assert_eq!(error.sent(), Sent::No);
            assert!(!super::support::rendered(&error).contains("hunter2"));
        }
        assert_eq!(server.request_count(), 0);
    });
}

#[cfg(not(feature = "rustls"))]
#[test]
fn https_without_tls_is_a_build_error() {
    run(async {
        let error = transport().send(get("https://localhost/")).await.unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error:?}");
    });
}
