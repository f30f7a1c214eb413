//! Errors by their kind, and responses that are judged.

use midil_http::{DefaultRetryStrategy, Error};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::{on_time, without_waiting};
use crate::support::whole::{of, on_the_wire};

/// What a caller tells of a call that failed.
fn told(error: &Error) -> String {
    match error {
        Error::RetryExhausted(gave_up) => {
            format!("all {} attempts failed: {:?}", gave_up.attempts(), gave_up.status())
        }
        Error::Status(error) => format!("HTTP error: {}", error.status()),
        error if error.is_timeout() => "too slow".to_owned(),
        error if error.is_connect() => "nobody there".to_owned(),
        error => format!("request error: {}", error.kind()),
    }
}

#[test]
fn exception_hierarchy() {
    on_the_wire(async {
        let time = ManualRuntime::new();
        let outcome = async |server: &FaultServer| {
            let strategy = DefaultRetryStrategy::default();
            let http = on_time(server, &time).retry(strategy).build().unwrap();
            let call = http.get("/api/data").raise_for_status().send();
            told(&without_waiting(&time, call).await.unwrap_err())
        };
        let busy = FaultServer::always(Reply::status(503));
        assert_eq!(outcome(&busy).await, "all 3 attempts failed: Some(503)");
        let missing = FaultServer::always(Reply::status(404));
        assert_eq!(outcome(&missing).await, "HTTP error: 404 Not Found");

        let nobody = FaultServer::refusing();
        let http = midil_http::client(nobody.url()).unwrap().build().unwrap();
        let error = http.get("/api/data").no_retry().send().await.unwrap_err();
        assert_eq!(told(&error), "nobody there");
        let broken = FaultServer::always(Reply::reset_before_head());
        let http = of(&broken).build().unwrap();
        let error = http.get("/api/data").send().await.unwrap_err();
        assert_eq!(told(&error), "request error: Transport");
    });
}
