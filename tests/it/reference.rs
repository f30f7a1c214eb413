//! What the documentation of the Python module shows, done with this one: a test for each block of code there, named after the
//! heading above it.
#![cfg(all(feature = "reqwest", feature = "retry", feature = "auth"))]

mod advanced_features;
mod authentication_integration;
mod best_practices;
mod configuration;
mod error_handling;
mod http_client;
mod performance_considerations;
mod retry_system;
mod testing;
mod transport_layer;

use std::time::Duration;

use midil_http::{HttpClient, HttpClientBuilder, ReqwestTransport};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};

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
