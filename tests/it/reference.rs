//! What the documentation of the Python module shows, done with this one: a test for each block of code there, named after the
//! heading above it. `docs/coming-from/python.md` lists them, and `page` checks that list.
#![cfg(all(feature = "reqwest", feature = "retry", feature = "auth"))]

mod advanced_features;
mod authentication_integration;
mod best_practices;
mod configuration;
mod error_handling;
mod http_client;
mod page;
mod performance_considerations;
mod retry_system;
mod testing;
mod transport_layer;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use midil_http::{HttpClient, HttpClientBuilder, ReqwestTransport};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};
use tracing::instrument::WithSubscriber;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::every_thread_is_heard;

const SECOND: Duration = Duration::from_secs(1);

/// Begins a client of a real server whose waits are virtual; nothing but a wait for a retry or a turn has a timer.
fn on_time(server: &FaultServer, time: &ManualRuntime) -> HttpClientBuilder {
    let transport = ReqwestTransport::try_new().expect("reqwest works here");
    HttpClient::builder(transport).base_url(server.url()).runtime(time.clone()).no_timeout()
}

/// Runs calls of real servers: whatever waits for a time gets it, as soon as nothing else is to be done.
async fn without_waiting<T>(time: &ManualRuntime, calls: impl Future<Output = T>) -> T {
    let waits = async {
        loop {
            time.wait_for_timers(1).await;
            time.advance_to_next_timer();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        outcome = calls => outcome,
        () = time.run_tasks() => unreachable!("it never completes"),
        () = waits => unreachable!("nor does this"),
    }
}

/// JSON as a service sends it.
fn json(value: &serde_json::Value) -> Reply {
    Reply::ok(value.to_string()).header("content-type", "application/json")
}

/// Runs calls, and returns the log that a service would have of them: events, and where spans begin and end.
async fn logged<T>(calls: impl Future<Output = T>) -> (T, String) {
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    every_thread_is_heard();
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_writer(move || writer.clone())
        .finish();
    let outcome = calls.with_subscriber(subscriber).await;
    let log = String::from_utf8(written.0.lock().expect("nobody panics").clone());
    (outcome, log.expect("a log is text"))
}
