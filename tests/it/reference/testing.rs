//! How code that makes calls is tested.

use http::Method;
use midil_http::{DefaultRetryStrategy, HttpClient, Sent, TransportErrorKind};
use midil_http_test::fault_server::{FaultServer, Received};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use serde_json::{Value, json};

use super::json as reply;
use crate::support::over;
use crate::support::whole::{failure, on_the_wire};

#[test]
fn mocking_http_requests() {
    /// The code under test.
    async fn users(http: &HttpClient) -> Result<Value, midil_http::Error> {
        http.get("/users").send().await?.error_for_status().await?.json().await
    }

    let mock = MockTransport::new();
    let users_are = json!({"users": [{"id": 1, "name": "John"}]});
    mock.on(Method::GET, "/v1/users").reply(Reply::ok().json(&users_are));
    let http = over(mock.clone()).build().unwrap();
    let users = ManualRuntime::new().block_on(users(&http)).unwrap();
    assert_eq!(users["users"][0]["name"], "John");
    mock.verify();
}

#[test]
fn testing_with_real_http() {
    on_the_wire(async {
        let echo = FaultServer::respond_with(|request: &Received| {
            let headers: serde_json::Map<_, _> = request
                .headers()
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            reply(&json!({"headers": headers, "url": request.target()}))
        });
        let http = midil_http::client(echo.url()).unwrap().build().unwrap();
        let response = http.get("/get").send().await.unwrap();
        assert_eq!(response.status(), 200);
        let data: Value = response.json().await.unwrap();
        assert_eq!(data["url"], "/get");
        assert!(data["headers"]["user-agent"].as_str().unwrap().starts_with("midil-http/"));
    });
}

#[test]
fn testing_retry_logic() {
    let refused = || Reply::error(|| failure(TransportErrorKind::Connect, Sent::No));
    let mock = MockTransport::sequence([refused(), refused(), Reply::ok()]);
    let time = ManualRuntime::new();
    let http = over(mock.clone())
        .retry(DefaultRetryStrategy::default())
        .runtime(time.clone())
        .build()
        .unwrap();
    let response = time.block_on(http.get("/test").send()).unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 3));
    assert_eq!(mock.request_count(), 3);
    mock.verify();
}
