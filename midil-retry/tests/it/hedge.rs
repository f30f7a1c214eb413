//! Hedging at work: who is sent, who wins, and who pays.

mod delays;
mod expense;
mod model;
mod winners;

use futures_util::FutureExt;
use midil_http_core::{HttpClient, HttpClientBuilder, Response, Runtime};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use midil_retry::{Budget, Hedge, HedgeTransport};

use super::*;

const ORIGIN: &str = "https://api.example.com";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A hedge after 100 ms.
fn hedge() -> Hedge {
    Hedge::new(millis(100))
}

fn client(mock: &MockTransport, runtime: &ManualRuntime, hedge: &Hedge) -> HttpClientBuilder {
    HttpClient::builder(mock.clone())
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(hedge.clone())
}

/// Replies that take their time.
struct World {
    runtime: ManualRuntime,
    mock: MockTransport,
}

impl World {
    fn new() -> Self {
        Self { runtime: ManualRuntime::new(), mock: MockTransport::new() }
    }

    /// One more reply, that long after its request.
    fn reply(self, reply: Reply, after: u64) -> Self {
        self.mock.reply(reply.delayed(millis(after), self.runtime.clone()));
        self
    }

    fn client(&self, hedge: &Hedge) -> HttpClient {
        client(&self.mock, &self.runtime, hedge).build().unwrap()
    }

    /// What a GET comes to, and when.
    fn get(&self, hedge: &Hedge) -> (Result<Response, Error>, u128) {
        let outcome = self.runtime.block_on(self.client(hedge).get("/").send());
        (outcome, self.runtime.elapsed().as_millis())
    }

    /// The status of what a GET comes to, when, and after how many requests.
    fn seen(&self) -> (Option<u16>, u128, usize) {
        let (outcome, at) = self.get(&hedge());
        assert_eq!((self.mock.in_flight(), self.runtime.timers()), (0, 0), "a loser is left");
        (outcome.ok().map(|response| response.status().as_u16()), at, self.mock.request_count())
    }
}
