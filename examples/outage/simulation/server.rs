//! [`Server`]: a queue with a capacity, in virtual time.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use midil_http::{Body, Error, Random, Request, Transport, async_trait};
use url::Url;

use super::measure::Measure;
use super::outage::{Outage, Times};
use super::runtime::VirtualRuntime;

/// What the way there and back takes.
const LATENCY: Duration = Duration::from_millis(10);
/// How much more than the load the server can do: 20 %.
const HEADROOM: f64 = 1.2;
/// What is left of the load in an overload: 80 %.
const OVERLOADED: f64 = 0.8;
/// So much work may wait.
const MOST_BACKLOG: Duration = Duration::from_secs(2);

/// A server that does one request after the other, in the order in which they came.
///
/// It does not learn that a caller gave up: it does the work all the same. What would wait for more than two seconds
/// is answered at once with a 503. How long a request's work takes is settled when it comes, so what an overload leaves
/// behind is as slow as it was. What an outage makes fail, or swallows, costs no work.
pub(crate) struct Server {
    runtime: VirtualRuntime,
    measure: Measure,
    outage: Outage,
    begins: Duration,
    ends: Duration,
    /// What a request takes, at other times and during the outage.
    work: (Duration, Duration),
    coin: Random,
    /// When everything that waits is done.
    free: Mutex<Duration>,
}

impl Server {
    pub(crate) fn new(
        runtime: &VirtualRuntime,
        measure: &Measure,
        outage: Outage,
        times: Times,
        load: u32,
        seed: u64,
    ) -> Self {
        let (begins, ends) = times.of(outage);
        let work = |of_load: f64| Duration::from_secs_f64(1.0 / (f64::from(load) * of_load));
        let meanwhile = if outage == Outage::Overload { OVERLOADED } else { HEADROOM };
        Self {
            runtime: runtime.clone(),
            measure: measure.clone(),
            outage,
            begins,
            ends,
            work: (work(HEADROOM), work(meanwhile)),
            // Not the numbers of a client.
            coin: Random::seeded(!seed),
            free: Mutex::new(Duration::ZERO),
        }
    }

    /// What is called.
    pub(crate) fn url(&self) -> Result<Url, Error> {
        Request::get("https://api.example.com/").map(|request| request.url().clone())
    }

    /// When the work of a request that comes now will be done; `None` if too much waits already.
    fn enqueue(&self, now: Duration) -> Option<Duration> {
        let work = if self.is_out(now) { self.work.1 } else { self.work.0 };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if *free > now + MOST_BACKLOG {
            return None;
        }
        *free = now.max(*free) + work;
        Some(*free)
    }

    fn is_out(&self, now: Duration) -> bool {
        (self.begins..self.ends).contains(&now)
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, _: Request) -> Result<http::Response<Body>, Error> {
        let now = self.runtime.elapsed();
        self.measure.attempt(now);
        let mut done = None;
        if !self.is_out(now) {
            done = self.enqueue(now);
        } else if self.outage == Outage::AllHang {
            pending::<()>().await;
        } else if self.coin.next() >= self.outage.failing() {
            done = self.enqueue(now);
        }
        self.runtime.sleep_until(done.unwrap_or(now) + LATENCY).await;
        let mut response = http::Response::new(Body::empty());
        if done.is_none() {
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }
}
