//! One service, three transports: a real one, a scripted one, and a scripted one under virtual time.
//!
//! ```text
//! cargo run --example swap_transport
//! ```
//!
//! The service is given its client and does not know what is beneath. In a test nothing is real but its own code; what would
//! take a minute takes none.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use http::Method;
use midil_http::{DefaultRetryStrategy, Error, HttpClient, HttpClientBuilder, ReqwestTransport};
use midil_http_test::fault_server::FaultServer;
use midil_http_test::{ManualRuntime, MockTransport, fault_server};

/// The service of this example.
struct Reports {
    http: HttpClient,
}

impl Reports {
    /// What it sets up is the same over every transport.
    fn new(client: HttpClientBuilder) -> Result<Self, Error> {
        let http = client.header("x-client-version", "1.0").retry(DefaultRetryStrategy::default());
        Ok(Self { http: http.build()? })
    }

    /// The titles of all reports.
    async fn titles(&self) -> Result<Vec<String>, Error> {
        self.http.get("/reports").send().await?.error_for_status().await?.json().await
    }

    /// Files a report.
    async fn file(&self, title: &str) -> Result<(), Error> {
        self.http.post("/reports").json(title).send().await?.error_for_status().await?;
        Ok(())
    }
}

/// As in production: a server at the other end, and a real clock.
async fn over_sockets() -> Result<(), Box<dyn StdError>> {
    let server = FaultServer::respond_with(|request| match request.method() {
        "POST" => fault_server::Reply::status(201),
        _ => fault_server::Reply::ok(r#"["weather"]"#),
    });
    let client = HttpClient::builder(ReqwestTransport::try_new()?).base_url(server.url());
    let reports = Reports::new(client)?;
    reports.file("weather").await?;
    claim("over sockets, the service files and reads", reports.titles().await? == ["weather"])?;
    claim("the server was asked twice", server.request_count() == 2)
}

/// As in a test: what the service asks for is checked, what it gets is scripted.
fn over_a_mock() -> Result<(), Box<dyn StdError>> {
    use midil_http_test::Reply;

    let mock = MockTransport::new();
    mock.on(Method::POST, "/reports").reply(Reply::status(201));
    mock.on(Method::GET, "/reports").reply(Reply::ok().json(&["weather"]));
    let runtime = ManualRuntime::new();
    let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com");
    let reports = Reports::new(client.runtime(runtime.clone()))?;

    runtime.block_on(reports.file("weather"))?;
    let titles = runtime.block_on(reports.titles())?;
    claim("over a mock, it gets the same answers", titles == ["weather"])?;
    let filed = &mock.requests()[0];
    claim("it posted the title as JSON", filed.json::<String>() == "weather")?;
    claim("it sent its version", filed.header("x-client-version") == Some("1.0"))?;
    mock.verify();
    Ok(())
}

/// The same, where the server asks for patience: virtual time jumps over it.
fn under_virtual_time() -> Result<(), Box<dyn StdError>> {
    use midil_http_test::Reply;

    const PATIENCE: Duration = Duration::from_secs(50);
    let busy = Reply::status(429).header("retry-after", "50");
    let mock = MockTransport::sequence([busy, Reply::ok().json(&["weather"])]);
    let runtime = ManualRuntime::new();
    let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com");
    let reports = Reports::new(client.runtime(runtime.clone()))?;

    let started = Instant::now();
    let titles = runtime.block_on(reports.titles())?;
    claim("what was put off came in the end", titles == ["weather"])?;
    claim("the service waited as long as it was asked to", runtime.elapsed() >= PATIENCE)?;
    claim("which took no time", started.elapsed() < PATIENCE / 2)?;
    claim("there were two attempts", mock.requests().len() == 2)
}

fn main() -> Result<(), Box<dyn StdError>> {
    tokio::runtime::Runtime::new()?.block_on(over_sockets())?;
    over_a_mock()?;
    under_virtual_time()
}

/// Prints what is claimed, and fails where it does not hold.
fn claim(what: &str, holds: bool) -> Result<(), Box<dyn StdError>> {
    println!("{} {what}", if holds { "✓" } else { "✗" });
    if holds { Ok(()) } else { Err(format!("it does not hold that {what}").into()) }
}
