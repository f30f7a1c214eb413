//! Transports: one that retries, one of one's own around another, and the pool of one.

use std::time::Duration;

use futures_util::future::join_all;
use midil_http::{
    Body, DefaultRetryStrategy, Error, HttpClient, LogLevel, Logging, LoggingTransport, Request,
    ReqwestTransport, RetryTransport, Transport, async_trait,
};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Gate, Reply};

use super::{SECOND, logged, without_waiting};
use crate::support::Log;
use crate::support::whole::{on_the_wire, until};

#[test]
fn retry_transport() {
    on_the_wire(async {
        let server = FaultServer::sequence([503, 503, 200].map(Reply::status));
        let time = ManualRuntime::new();
        let strategy = DefaultRetryStrategy::default();
        let transport = RetryTransport::new(ReqwestTransport::try_new().unwrap(), strategy)
            .with_runtime(time.clone());
        let http = HttpClient::builder(transport)
            .base_url(server.url())
            .runtime(time.clone())
            .no_timeout()
            .build()
            .unwrap();
        let response = without_waiting(&time, http.get("/").send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(server.request_count(), 3);
    });
}

/// Notes what passes through it, around any other transport.
struct Noting<T> {
    inner: T,
    log: Log,
}

#[async_trait]
impl<T: Transport> Transport for Noting<T> {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        self.log.note(format!("Request: {} {}", request.method(), request.url().path()));
        let response = self.inner.send(request).await?;
        self.log.note(format!("Response: {}", response.status().as_u16()));
        Ok(response)
    }
}

#[test]
fn custom_transport() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("fine"));
        let log = Log::default();
        let transport = Noting { inner: ReqwestTransport::try_new().unwrap(), log: log.clone() };
        let http = HttpClient::builder(transport).base_url(server.url()).build().unwrap();
        let text = http.get("/users").send().await.unwrap().text().await.unwrap();
        assert_eq!(text, "fine");
        assert_eq!(log.lines(), ["Request: GET /users", "Response: 200"]);

        // The one that logs is in the box.
        let logging = Logging::new().request_level(LogLevel::Info);
        let transport = LoggingTransport::new(ReqwestTransport::try_new().unwrap(), logging);
        let http = HttpClient::builder(transport).base_url(server.url()).build().unwrap();
        let (_, told) = logged(http.get("/users").send()).await;
        let lines: Vec<_> = told.lines().filter(|line| line.contains("midil_http::log")).collect();
        assert!(lines.iter().all(|line| line.contains("/users")) && lines.len() == 2, "{told}");
        assert!(lines[1].contains("http.response.status_code=200"), "{told}");
    });
}

#[test]
fn connection_pooling() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("fine").hold(&gate));
        let transport = ReqwestTransport::builder()
            .max_connections(4)
            .max_keepalive_connections(2)
            .keepalive_expiry(30 * SECOND)
            .build()
            .unwrap();
        let http = HttpClient::builder(transport).base_url(server.url()).build().unwrap();
        let calls = (0..10).map(|_| async { http.get("/").send().await?.text().await });
        let opened = async {
            until(|| server.request_count() == 4).await;
            gate.open();
        };
        let (outcomes, ()) = tokio::join!(join_all(calls), opened);
        assert!(outcomes.iter().all(|outcome| outcome.as_deref().is_ok_and(|text| text == "fine")));
        assert_eq!(server.request_count(), 10);
        server.wait_until(|seen| seen.peak_requests() == 4); // never more in flight
        until(|| server.open_connections() == 2).await; // what is kept

        // A connection that may not be idle is not used again.
        let server = FaultServer::always(Reply::ok("fine"));
        let transport =
            ReqwestTransport::builder().keepalive_expiry(Duration::ZERO).build().unwrap();
        let http = HttpClient::builder(transport).base_url(server.url()).build().unwrap();
        for _ in 0..2 {
            http.get("/").send().await.unwrap().text().await.unwrap();
        }
        assert_eq!(server.connections(), 2);
    });
}
