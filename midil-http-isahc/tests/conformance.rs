//! Every behaviour that all transports share: <https://docs.rs/midil-http-test>, module `conformance`.

use midil_http_test::conformance::Suite;

#[path = "conformance/suite.rs"]
mod suite;

/// Without tokio: on the simplest executor there is.
#[test]
fn isahc_conforms() {
    futures_executor::block_on(suite().run()).assert_conforms();
}

/// What the features that are off take along.
fn suite() -> Suite {
    let suite = suite::suite();
    #[cfg(not(feature = "http2"))]
    let suite = suite.lacks_group("HTTP/2", "the feature `http2` is off");
    #[cfg(not(feature = "rustls"))]
    let suite = ["TLS", "Proxy"]
        .into_iter()
        .fold(suite, |suite, group| suite.lacks_group(group, "the feature `rustls` is off"))
        .lacks("a_handshake_that_stalls_times_out", "the feature `rustls` is off")
        .lacks("dropping_a_handshake_closes_the_connection", "the feature `rustls` is off");
    suite
}
