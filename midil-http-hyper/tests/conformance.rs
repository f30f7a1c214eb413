//! Every behaviour that all transports share: <https://docs.rs/midil-http-test>, module `conformance`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::sync::{Arc, Mutex};
use std::{panic, thread};

use midil_http_test::conformance::Suite;

#[path = "conformance/suite.rs"]
mod suite;

/// With workers beside the thread that makes the calls; the workspace's table is made on one thread.
#[test]
fn hyper_conforms() {
    // What panics on a task of the stack's own is seen by nobody else.
    let panics = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&panics);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some("worker") {
            seen.lock().unwrap().push(panic.to_string());
        }
        before(panic);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("worker")
        .enable_all()
        .build();
    let report = runtime.unwrap().block_on(suite().run());
    report.assert_conforms();
    assert_eq!(*panics.lock().unwrap(), [""; 0], "a task panicked");
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
