//! What a service is advised to do.

use midil_http::{DefaultRetryStrategy, Error, HttpClient};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::{Value, json};

use super::{SECOND, json as reply, on_time, without_waiting};
use crate::support::whole::on_the_wire;

#[test]
fn error_handling_strategy() {
    /// Errors of the server and of the network were retried when this returns; those of the client are not.
    async fn robust_api_call(http: &HttpClient, url: &str) -> Result<Value, Error> {
        http.get(url).send().await?.error_for_status().await?.json().await
    }

    on_the_wire(async {
        let time = ManualRuntime::new();
        let strategy = DefaultRetryStrategy::builder()
            .max_attempts(3)
            .base_delay(4 * SECOND)
            .multiplier(2.0)
            .max_delay(10 * SECOND)
            .jitter(false)
            .build()
            .unwrap();
        let outcome = async |server: &FaultServer| {
            let http = on_time(server, &time).retry(strategy.clone()).build().unwrap();
            without_waiting(&time, robust_api_call(&http, "/")).await
        };

        let flaky = FaultServer::sequence([
            Reply::status(500),
            Reply::reset_before_head(),
            reply(&json!({"a": 1})),
        ]);
        assert_eq!(outcome(&flaky).await.unwrap(), json!({"a": 1}));
        assert_eq!(time.elapsed(), 12 * SECOND); // 4 s and 8 s
        let ours = FaultServer::always(Reply::status(400).body("which one?"));
        match outcome(&ours).await {
            Err(Error::Status(error)) => assert_eq!(error.text(), "which one?"),
            other => panic!("{other:?}"),
        }
        assert_eq!(ours.request_count(), 1);
        let down = FaultServer::always(Reply::status(503));
        assert!(matches!(outcome(&down).await, Err(Error::RetryExhausted(_))));
        assert_eq!(down.request_count(), 3);
    });
}
