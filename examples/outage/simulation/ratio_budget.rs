//! [`RatioBudget`].

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use midil_http::{AttemptResult, Budget};
use url::Url;

/// For so long counts what was done.
const WINDOW: Duration = Duration::from_secs(10);
/// It is looked at in slots of this length.
const SLOT: Duration = Duration::from_secs(1);
/// Retries that are allowed for each second of the window, whatever was done.
const RESERVE_PER_SECOND: i64 = 10;
/// So many calls allow for one more: 20 %.
const CALLS_PER_RETRY: i64 = 5;

/// The budget of reqwest 0.13 with its defaults, which is tower's and was Finagle's: 20 % of the calls of the last 10 s, and 10
/// retries per second besides.
#[derive(Default)]
pub(crate) struct RatioBudget(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    /// When each began, and its calls less what its retries cost.
    slots: VecDeque<(Instant, i64)>,
    /// The sum of them.
    balance: i64,
}

impl Slots {
    fn add(&mut self, now: Instant, change: i64) {
        match self.slots.back_mut() {
            Some((began, balance)) if now < *began + SLOT => *balance += change,
            _ => self.slots.push_back((now, change)),
        }
        self.balance += change;
    }

    fn forget(&mut self, now: Instant) {
        while let Some((began, balance)) = self.slots.front()
            && *began + WINDOW <= now
        {
            self.balance -= balance;
            self.slots.pop_front();
        }
    }
}

impl RatioBudget {
    fn change<T>(&self, change: impl FnOnce(&mut Slots) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Budget for RatioBudget {
    fn record(&self, _: &Url, now: Instant, result: AttemptResult) {
        // reqwest counts what is not retried: successes, whatever attempt they were.
        if result.succeeded {
            self.change(|slots| slots.add(now, 1));
        }
    }

    fn withdraw(&self, _: &Url, now: Instant) -> bool {
        let reserve = RESERVE_PER_SECOND * 10 * CALLS_PER_RETRY;
        self.change(|slots| {
            slots.forget(now);
            let pays = slots.balance + reserve >= CALLS_PER_RETRY;
            if pays {
                slots.add(now, -CALLS_PER_RETRY);
            }
            pays
        })
    }
}
