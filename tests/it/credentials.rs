//! Credentials that are cached, in the client: one token for many calls, and what comes of a rejected one.
#![cfg(all(feature = "reqwest", feature = "retry", feature = "auth"))]

mod failing;
mod origins;
mod rejected;
mod shared_transport;
mod together;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use midil_http::{
    Body, ClientCredentials, HttpClient, HttpClientBuilder, ReqwestTransport, Runtime, Transport,
};
use midil_http_test::fault_server::{self, FaultServer, Gate};
use midil_http_test::{ManualRuntime, MockTransport, RecordedRequest, Reply};

use crate::support::over;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Credentials for whatever `transport` takes for a token endpoint.
fn credentials(
    transport: impl Transport,
    token_url: &str,
    runtime: impl Runtime,
) -> ClientCredentials {
    ClientCredentials::builder(transport)
        .token_url(token_url)
        .client_id("reports")
        .client_secret("hunter2")
        .runtime(runtime)
        .seed(7)
        .build()
        .expect("good settings")
}

/// Gives tokens `t1`, `t2`… of an hour each.
#[derive(Clone, Default)]
struct Tokens(Arc<AtomicUsize>);

impl Tokens {
    fn next(&self) -> String {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":3600}}"#)
    }

    /// How many were given.
    fn given(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The oldest token that an API takes.
#[derive(Clone, Default)]
struct Oldest(Arc<AtomicUsize>);

impl Oldest {
    /// Tokens before `t<number>` are rejected from now on.
    fn set(&self, number: usize) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// What these credentials get.
    fn status(&self, authorization: Option<&str>) -> u16 {
        let number = authorization.and_then(|value| value.strip_prefix("Bearer t")?.parse().ok());
        let taken = number.is_some_and(|number: usize| number >= self.0.load(Ordering::Relaxed));
        if taken { 200 } else { 401 }
    }
}

/// An authority that takes a second for a token, and an API, without sockets and in virtual time.
struct Mocked {
    runtime: ManualRuntime,
    endpoint: MockTransport,
    /// What it says is what it got.
    api: MockTransport,
    oldest: Oldest,
    credentials: ClientCredentials,
}

impl Mocked {
    fn new() -> Self {
        Self::taking(SECOND)
    }

    /// The endpoint takes that long.
    fn taking(time: Duration) -> Self {
        let (runtime, tokens, oldest) =
            (ManualRuntime::new(), Tokens::default(), Oldest::default());
        let token = Reply::from_fn(move |_| Ok(http::Response::new(Body::from(tokens.next()))));
        let endpoint = MockTransport::always(token.delayed(time, runtime.clone()));
        let asked = oldest.clone();
        let api = MockTransport::always(Reply::from_fn(move |request| {
            let authorization = request.header("authorization");
            let response = http::Response::builder().status(asked.status(authorization));
            let said = authorization.unwrap_or("none").to_owned();
            Ok(response.body(Body::from(said)).expect("a valid response"))
        }));
        let credentials =
            credentials(endpoint.clone(), "https://login.test/token", runtime.clone());
        Self { runtime, endpoint, api, oldest, credentials }
    }

    fn client(&self) -> HttpClientBuilder {
        over(self.api.clone()).auth(self.credentials.clone()).runtime(self.runtime.clone()).seed(7)
    }

    /// Has a token be there.
    fn warm_up(&self) {
        self.runtime.block_on(self.credentials.warm_up()).expect("a token");
    }

    /// The credentials of all requests that the API got.
    fn seen(&self) -> Vec<String> {
        let of = |request: &RecordedRequest| request.header("authorization").map(str::to_owned);
        self.api.requests().iter().map(|request| of(request).unwrap_or_default()).collect()
    }
}

/// An authority and an API on real sockets, each with a transport of its own; time stands still.
struct Wired {
    time: ManualRuntime,
    endpoint: FaultServer,
    api: FaultServer,
    oldest: Oldest,
    /// What a 401 waits for.
    rejections: Gate,
    credentials: ClientCredentials,
}

impl Wired {
    /// `prepare` makes of a token response what the endpoint gives.
    fn new(
        prepare: impl Fn(fault_server::Reply) -> fault_server::Reply + Send + Sync + 'static,
    ) -> Self {
        let (time, oldest, tokens) = (ManualRuntime::new(), Oldest::default(), Tokens::default());
        tokio::spawn(time.run_tasks());
        let endpoint =
            FaultServer::respond_with(move |_| prepare(fault_server::Reply::ok(tokens.next())));
        let asked = oldest.clone();
        let rejections = Gate::new();
        let held = rejections.clone();
        let api = FaultServer::respond_with(move |request| {
            match asked.status(request.header("authorization")) {
                401 => fault_server::Reply::status(401).hold(&held),
                status => fault_server::Reply::status(status),
            }
        });
        let transport = ReqwestTransport::try_new().expect("reqwest works here");
        let url = format!("{}/token", endpoint.url());
        let credentials = credentials(transport, &url, time.clone());
        Self { time, endpoint, api, oldest, rejections, credentials }
    }

    fn client(&self) -> HttpClientBuilder {
        let transport = ReqwestTransport::try_new().expect("reqwest works here");
        HttpClient::builder(transport)
            .base_url(self.api.url())
            .auth(self.credentials.clone())
            .runtime(self.time.clone())
    }
}
