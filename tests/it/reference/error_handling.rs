//! Errors by their kind, and responses that are judged.

use std::fmt;

use http::response::Parts;
use midil_http::{DefaultRetryStrategy, Error};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::{SECOND, on_time, without_waiting};
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

#[derive(Debug)]
struct RateLimitError {
    retry_after: String,
}

impl fmt::Display for RateLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate limited: retry after {} s", self.retry_after)
    }
}

impl std::error::Error for RateLimitError {}

/// Judges the head of a response.
fn validate_response(head: &Parts) -> Result<(), RateLimitError> {
    if head.status != 429 {
        return Ok(());
    }
    let retry_after = head.headers.get("retry-after").and_then(|value| value.to_str().ok());
    Err(RateLimitError { retry_after: retry_after.unwrap_or("?").to_owned() })
}

#[test]
fn response_validation() {
    on_the_wire(async {
        // For one call, after it has come: `error_for_status`; before: `raise_for_status`.
        let missing = FaultServer::always(Reply::status(404).body("no such thing"));
        let http = of(&missing).build().unwrap();
        let asked = http.get("/api/data").raise_for_status().send().await.unwrap_err();
        let response = http.get("/api/data").send().await.unwrap();
        for error in [asked, response.error_for_status().await.unwrap_err()] {
            match error {
                Error::Status(error) => {
                    assert_eq!((error.status().as_u16(), &*error.text()), (404, "no such thing"));
                }
                other => panic!("{other:?}"),
            }
        }

        // For all calls of a client, by a function of one's own, after the retries.
        let busy = FaultServer::always(Reply::status(429).header("Retry-After", "7"));
        let time = ManualRuntime::new();
        let http = on_time(&busy, &time)
            .retry(DefaultRetryStrategy::default())
            .validate(validate_response)
            .build()
            .unwrap();
        let error = without_waiting(&time, http.get("/api/data").send()).await.unwrap_err();
        assert_eq!(error.downcast_ref::<RateLimitError>().unwrap().retry_after, "7");
        assert_eq!(error.to_string(), "rate limited: retry after 7 s");
        assert_eq!(busy.request_count(), 3);
        assert!(time.elapsed() >= 14 * SECOND, "{:?}", time.elapsed()); // as long as it was asked to
    });
}
