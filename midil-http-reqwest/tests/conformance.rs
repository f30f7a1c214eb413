//! Every behaviour that all transports share: <https://docs.rs/midil-http-test>, module `conformance`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "conformance/suite.rs"]
mod suite;

#[test]
fn reqwest_conforms() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let report = runtime.unwrap().block_on(suite::suite().run());
    report.assert_conforms();
}
