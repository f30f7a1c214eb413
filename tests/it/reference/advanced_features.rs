//! Middleware, the circuit breaker, and what is logged of a call.

use std::time::Duration;

use http::HeaderValue;
use midil_http::{
    Body, CircuitBreaker, CircuitBreakerTransport, CircuitState, Error, HttpClient, LogLevel,
    Logging, Middleware, Next, Request, ReqwestTransport, async_trait,
};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::{SECOND, logged};
use crate::support::whole::{of, on_the_wire};
use crate::support::{Log, SECRET};

/// Dates each request, and notes how long it took.
struct Timing {
    log: Log,
}

#[async_trait]
impl Middleware for Timing {
    async fn handle(
        &self,
        mut request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        let seconds = next
            .runtime()
            .system_time()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        request.headers_mut().insert("x-request-time", HeaderValue::from(seconds));
        let begun = next.runtime().now();
        let response = next.run(request).await?;
        self.log.note(format!("Request took {:?}", next.runtime().now() - begun));
        Ok(response)
    }
}

#[test]
fn request_middleware() {
    on_the_wire(async {
        let time = ManualRuntime::new();
        time.set_system_time(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let clock = time.clone();
        let server = FaultServer::respond_with(move |_| {
            clock.advance(Duration::from_millis(250));
            Reply::ok("fine")
        });
        let log = Log::default();
        let middleware = Timing { log: log.clone() };
        let http = of(&server).runtime(time).middleware(middleware).build().unwrap();
        http.get("/").send().await.unwrap();
        assert_eq!(server.requests()[0].header("x-request-time"), Some("1700000000"));
        assert_eq!(log.lines(), ["Request took 250ms"]);
    });
}

#[test]
fn circuit_breaker_pattern() {
    on_the_wire(async {
        // It breaks down five times, and once more when it is tried.
        let mut replies = vec![Reply::close_before_head(); 6];
        replies.push(Reply::ok("well"));
        let server = FaultServer::sequence(replies);
        let time = ManualRuntime::new();
        let breaker = CircuitBreaker::new(5, 60 * SECOND);
        let transport =
            CircuitBreakerTransport::new(ReqwestTransport::try_new().unwrap(), breaker.clone())
                .with_runtime(time.clone());
        let http = HttpClient::builder(transport)
            .base_url(server.url())
            .runtime(time.clone())
            .build()
            .unwrap();
        let call = async || http.get("/").send().await;

        for _ in 0..5 {
            assert_eq!(breaker.state(&server.url()), CircuitState::Closed);
            assert!(matches!(call().await, Err(Error::Transport(_))));
        }
        for waited in [0, 59] {
            time.advance(waited * SECOND);
            let left = (60 - waited) * SECOND;
            let refused = call().await;
            assert!(
                matches!(refused, Err(Error::CircuitOpen { retry_in, .. }) if retry_in == left),
                "{refused:?}"
            );
        }
        assert_eq!(server.request_count(), 5, "an open circuit sends nothing");

        time.advance(SECOND);
        assert!(matches!(call().await, Err(Error::Transport(_)))); // the probe fails
        assert_eq!(breaker.state(&server.url()), CircuitState::Open);
        assert!(matches!(call().await, Err(Error::CircuitOpen { .. })));
        time.advance(60 * SECOND);
        assert_eq!(call().await.unwrap().status(), 200); // the next one closes it
        assert_eq!(breaker.state(&server.url()), CircuitState::Closed);
        assert_eq!(server.request_count(), 7);
    });
}

#[test]
fn request_response_logging() {
    on_the_wire(async {
        let server = FaultServer::always(
            Reply::ok(r#"{"password":"hunter2","a":1}"#).header("content-type", "application/json"),
        );
        let logging = Logging::new().body_level(LogLevel::Info).response_bodies(1024);
        let http = of(&server).middleware(logging).build().unwrap();
        let call = async {
            let response = http.get("/api/data").query(&[("key", SECRET)]).send().await.unwrap();
            response.text().await.unwrap()
        };
        let (text, log) = logged(call).await;
        assert!(text.contains(SECRET)); // what is logged is another copy

        let lines: Vec<_> = log.lines().filter(|line| line.contains("midil_http::log")).collect();
        assert_eq!(lines.len(), 2, "{log}");
        let request = format!("request=GET {}/api/data?…", server.url());
        for part in [&*request, "http.response.status_code=200", "took=0ns"] {
            assert!(lines[0].contains(part), "{part} in {}", lines[0]);
        }
        assert!(lines[1].contains(r#"\"a\":1"#), "{}", lines[1]);
        assert!(!log.contains(SECRET), "{log}");
    });
}
