//! Transports of your own: one that wraps another and logs, and one from scratch, a router in memory.
//!
//! ```text
//! cargo run --example custom_transport
//! ```
//!
//! A transport does one exchange and nothing more. Retries, redirects, timeouts and credentials are the client's, so they work
//! over these two as over any other.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use midil_http::{
    Body, DefaultRetryStrategy, Error, HttpClient, Request, ReqwestTransport, Transport,
    async_trait,
};
use midil_http_test::fault_server::{FaultServer, Reply};

/// Notes every exchange of the transport that it wraps.
struct Logging<T> {
    inner: T,
    log: Log,
}

/// Clones share the lines.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, line: String) {
        println!("  {line}");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl<T: Transport> Transport for Logging<T> {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        // No query, no headers, no body: a log is no place for secrets.
        let what = format!("{} {}", request.head().method, request.url().path());
        let outcome = self.inner.send(request).await;
        self.log.note(match &outcome {
            Ok(response) => format!("{what}: {}", response.status().as_u16()),
            Err(error) => format!("{what}: {error}"),
        });
        outcome
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

type Handler = Box<dyn Fn(Vec<u8>) -> http::Response<Body> + Send + Sync>;

/// A server without a socket.
#[derive(Default)]
struct Router {
    routes: HashMap<(Method, String), Handler>,
}

impl Router {
    fn route(
        mut self,
        method: Method,
        path: &str,
        handler: impl Fn(Vec<u8>) -> http::Response<Body> + Send + Sync + 'static,
    ) -> Self {
        self.routes.insert((method, path.to_owned()), Box::new(handler));
        self
    }
}

#[async_trait]
impl Transport for Router {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let Some(handler) = self.routes.get(&(head.method, head.url.path().to_owned())) else {
            // A status is a response, never an error: what becomes of it is for the client to say.
            return Ok(answer(StatusCode::NOT_FOUND, "no such route"));
        };
        // A body that the caller's stream fails in fails here.
        Ok(handler(body.collect(1 << 20).await?.to_vec()))
    }
}

fn answer(status: StatusCode, body: impl Into<Body>) -> http::Response<Body> {
    let mut response = http::Response::new(body.into());
    *response.status_mut() = status;
    response
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let log = Log::default();

    println!("Around reqwest, a server that fails once:");
    let server = FaultServer::sequence([Reply::status(503), Reply::ok("hello")]);
    let transport = Logging { inner: ReqwestTransport::try_new()?, log: log.clone() };
    let http = HttpClient::builder(transport)
        .base_url(server.url())
        .retry(
            DefaultRetryStrategy::builder()
                .base_delay(std::time::Duration::from_millis(1))
                .build()?,
        )
        .build()?;
    let greeting = http.get("/greeting?token=hunter2").send().await?.text().await?;
    claim(
        "the retry went through the log",
        log.take() == ["GET /greeting: 503", "GET /greeting: 200"],
    )?;
    claim("the caller saw the second answer alone", greeting == "hello")?;

    println!("Around a router in memory:");
    let router = Router::default()
        .route(Method::GET, "/v1/users/7", |_| answer(StatusCode::OK, r#"{"name":"Ada"}"#))
        .route(Method::POST, "/v1/echo", |body| answer(StatusCode::CREATED, body))
        .route(Method::GET, "/v1/old", |_| {
            let mut response = answer(StatusCode::FOUND, "");
            response
                .headers_mut()
                .insert("location", http::HeaderValue::from_static("/v1/users/7"));
            response
        });
    let http = HttpClient::builder(Logging { inner: router, log: log.clone() })
        .base_url("https://api.example.com/v1")
        .build()?;
    let user: HashMap<String, String> = http.get("/users/7").send().await?.json().await?;
    claim("JSON came out of it", user["name"] == "Ada")?;
    let echo = http.post("/echo").body("ping").send().await?;
    claim("a body went in and out", echo.status() == 201 && echo.text().await? == "ping")?;
    claim("what is not there is a 404", http.get("/nothing").send().await?.status() == 404)?;
    let moved: HashMap<String, String> = http.get("/old").send().await?.json().await?;
    claim("the client followed a redirect, not the transport", moved == user)?;
    claim("every exchange is in the log", log.take().len() == 5)
}

/// Prints what is claimed, and fails where it does not hold.
fn claim(what: &str, holds: bool) -> Result<(), Box<dyn StdError>> {
    println!("  {} {what}", if holds { "✓" } else { "✗" });
    if holds { Ok(()) } else { Err(format!("it does not hold that {what}").into()) }
}
