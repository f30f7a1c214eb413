//! The arithmetic of the budget, alone and under contention; its origins; its settings.

mod contention;
mod origins;
mod settings;
mod state;
mod tokens;

use std::time::{Duration, Instant};

use url::Url;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const FIRST_SUCCEEDED: AttemptResult = AttemptResult::new(1, true);
const FIRST_FAILED: AttemptResult = AttemptResult::new(1, false);
const RETRY_SUCCEEDED: AttemptResult = AttemptResult::new(2, true);
const RETRY_FAILED: AttemptResult = AttemptResult::new(2, false);

/// A budget, a server, and a clock to set by hand.
struct Scene {
    budget: RetryBudget,
    url: Url,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self::with(RetryBudget::default())
    }

    fn with(budget: RetryBudget) -> Self {
        Self { budget, url: url("https://api.example.com/users"), now: Instant::now() }
    }

    fn available(&self) -> f64 {
        self.budget.available(&self.url, self.now)
    }

    fn withdraw(&self) -> bool {
        self.budget.withdraw(&self.url, self.now)
    }

    fn record(&self, result: AttemptResult) {
        self.budget.record(&self.url, self.now, result);
    }

    /// Takes out all there is; tells how many tokens that were.
    fn empty(&self) -> usize {
        empty(&self.budget, &self.url, self.now)
    }

    /// Makes so many first attempts per second for some seconds.
    fn calls(&mut self, per_second: u32, seconds: u32, result: AttemptResult) {
        for _ in 0..per_second * seconds {
            self.now += SECOND / per_second;
            self.record(result);
        }
    }
}

/// Takes out all there is for a server; tells how many tokens that were.
fn empty(budget: &RetryBudget, url: &Url, now: Instant) -> usize {
    (0..1_000).take_while(|_| budget.withdraw(url, now)).count()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}
