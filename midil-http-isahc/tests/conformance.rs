//! Every behaviour that all transports share: <https://docs.rs/midil-http-test>, module `conformance`.

#[path = "conformance/suite.rs"]
mod suite;

/// Without tokio: on the simplest executor there is.
#[test]
fn isahc_conforms() {
    futures_executor::block_on(suite::suite().run()).assert_conforms();
}
