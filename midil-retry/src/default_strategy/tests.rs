//! The table of outcomes, `Retry-After`, and what makes a call give up.

mod giving_up;
mod outcomes;
mod properties;
mod retry_after;
mod settings;

use std::time::{Duration, Instant, SystemTime};

use http::response::Parts;
use http::{HeaderName, Method};
use midil_http_core::{
    Attempt, BoxFuture, Error, Outcome, Request, RequestHead, RetryDecision, RetryStrategy, Runtime,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A request of that method.
fn request(method: Method) -> RequestHead {
    let mut head = Request::get("https://api.example.com/users").unwrap().into_parts().0;
    head.method = method;
    head
}

fn get() -> RequestHead {
    request(Method::GET)
}

fn response(status: u16, headers: &[(HeaderName, &str)]) -> Parts {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

/// What the default strategy makes of a first attempt that came to this.
fn first(method: Method, outcome: Outcome<'_>) -> RetryDecision {
    DefaultRetryStrategy::default().decide(&Attempt::new(&request(method), outcome))
}

fn is_retried(decision: &RetryDecision) -> bool {
    matches!(decision, RetryDecision::Retry { .. })
}

/// A clock that stands still.
struct StoppedClock(Instant, SystemTime);

impl Runtime for StoppedClock {
    fn now(&self) -> Instant {
        self.0
    }

    fn system_time(&self) -> SystemTime {
        self.1
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        unreachable!("a strategy does not sleep")
    }

    fn spawn(&self, _: BoxFuture<'static, ()>) {
        unreachable!("a strategy does not spawn")
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it stands in for what a transport returns")]
fn error(error: impl Into<Error>) -> Error {
    error.into()
}
