//! Connections that are used again, calls at once, and calls in batches.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;
use midil_http::Error;
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Gate, Received, Reply};
use serde_json::json;

use super::{SECOND, on_time, without_waiting};
use crate::support::whole::{on_the_wire, until, until_left};

#[test]
fn concurrent_requests() {
    on_the_wire(async {
        // Nobody gets an answer before all have asked.
        let gate = Gate::new();
        let server = FaultServer::respond_with({
            let gate = gate.clone();
            move |request: &Received| Reply::ok(request.target()).hold(&gate)
        });
        let http = midil_http::client(server.url()).unwrap().build().unwrap();
        let calls = (1..=100).map(|id| {
            let call = http.get(format!("/users/{id}")).send();
            async { call.await?.text().await }
        });
        let all_have_asked = async {
            until(|| server.request_count() == 100).await;
            gate.open();
        };
        let (users, ()) = tokio::join!(try_join_all(calls), all_have_asked);
        let expected: Vec<_> = (1..=100).map(|id| format!("/users/{id}")).collect();
        assert_eq!(users.unwrap(), expected);
    });
}

#[test]
fn request_batching() {
    on_the_wire(async {
        let (asked, refused) = (AtomicUsize::new(0), 7);
        let server = FaultServer::respond_with(move |_| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            Reply::status(if number == refused { 422 } else { 201 })
        });
        let time = ManualRuntime::new();
        let http = on_time(&server, &time).build().unwrap();
        let users =
            (0..25).map(|id| http.post("/users").json(&json!({"id": id})).raise_for_status());
        let batch = http.batch(users).batch_size(10).pause(SECOND);
        let results = without_waiting(&time, batch.send()).await;

        assert_eq!(results.len(), 25);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 24);
        let failed: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert!(matches!(failed[..], [Error::Status(error)] if error.status() == 422));
        assert_eq!(time.elapsed(), 2 * SECOND); // between the batches, not after the last
        assert_eq!(server.request_count(), 25);
    });
}

#[test]
fn connection_reuse() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("fine"));
        let http = midil_http::client(server.url()).unwrap().build().unwrap();
        for id in 0..100 {
            http.get(format!("/users/{id}")).send().await.unwrap().text().await.unwrap();
        }
        assert_eq!((server.connections(), server.request_count()), (1, 100));
        assert!(http.close().await.is_clean());
        until_left(&server).await;
    });
}
