//! What strategy and budget come to, over many calls: the table of the budget in this crate's README. Virtual time, seeded.
//!
//! `cargo test -p midil-retry --lib simulation -- --nocapture` prints its figures. The strategy alone is asked here, with no client
//! and no queue before the server; the example `outage` of `midil-http` simulates a fleet of clients.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use http::response::Parts;
use midil_http_core::{
    Attempt, Outcome, Random, Request, RequestHead, RetryDecision, RetryStrategy,
};

use crate::DefaultRetryStrategy;

/// How long an attempt takes, in microseconds.
const LATENCY: u64 = 10_000;
const SECOND: u64 = 1_000_000;

/// What becomes of attempts, by the microsecond in which they are sent.
type Server<'a> = &'a dyn Fn(u64) -> bool;

/// A client that makes calls at a steady rate, for a while.
#[derive(Clone, Copy)]
struct Load {
    calls_per_second: u64,
    seconds: u64,
}

/// What became of the calls that began in each second.
#[derive(Clone, Copy, Default)]
struct Second {
    calls: u32,
    attempts: u32,
    succeeded: u32,
}

/// An attempt whose outcome is about to be known.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    ends: u64,
    call: u64,
    number: u32,
    previous_delay: Option<Duration>,
}

/// Simulates so many clients, each with a strategy of its own, and adds up what became of their calls.
fn simulate(clients: u64, load: Load, server: Server<'_>) -> Vec<Second> {
    let random = Random::seeded(7);
    let mut seconds = vec![Second::default(); usize::try_from(load.seconds).unwrap()];
    for client in 0..clients {
        // Clients are not in step.
        let offset = SECOND / load.calls_per_second * client / clients;
        run_client(offset, load, server, &random, &mut seconds);
    }
    seconds
}

fn run_client(
    offset: u64,
    load: Load,
    server: Server<'_>,
    random: &Random,
    seconds: &mut [Second],
) {
    let strategy = DefaultRetryStrategy::default();
    let request = Request::get("https://api.example.com/").unwrap();
    let (good, bad) = (head(200), head(503));
    let (period, start) = (SECOND / load.calls_per_second, Instant::now());
    let mut pending = BinaryHeap::new();
    let mut call = 0;
    loop {
        let begins = period * call + offset;
        let is_over = begins >= load.seconds * SECOND;
        let next_ends = pending.peek().map(|Reverse(Pending { ends, .. })| *ends);
        if !is_over && next_ends.is_none_or(|ends| begins < ends) {
            let ends = begins + LATENCY;
            pending.push(Reverse(Pending { ends, call: begins, number: 1, previous_delay: None }));
            call += 1;
            continue;
        }
        let Some(Reverse(attempt)) = pending.pop() else { return };
        let second = &mut seconds[usize::try_from(attempt.call / SECOND).unwrap()];
        second.calls += u32::from(attempt.number == 1);
        second.attempts += 1;
        let succeeded = server(attempt.ends - LATENCY);
        let now = start + Duration::from_micros(attempt.ends);
        let decision = strategy.decide(&attempt_at(
            now,
            &attempt,
            request.head(),
            if succeeded { &good } else { &bad },
            random.next(),
        ));
        second.succeeded += u32::from(succeeded);
        if let RetryDecision::Retry { after } = decision {
            let wait = u64::try_from(after.as_micros()).unwrap();
            pending.push(Reverse(Pending {
                ends: attempt.ends + wait + LATENCY,
                call: attempt.call,
                number: attempt.number + 1,
                previous_delay: Some(after),
            }));
        }
    }
}

fn attempt_at<'a>(
    now: Instant,
    pending: &Pending,
    request: &'a RequestHead,
    head: &'a Parts,
    random: f64,
) -> Attempt<'a> {
    let mut attempt = Attempt::new(request, Outcome::Response(head));
    attempt.number = pending.number;
    attempt.now = now;
    attempt.random = random;
    attempt.previous_delay = pending.previous_delay;
    attempt
}

fn head(status: u16) -> Parts {
    http::Response::builder().status(status).body(()).unwrap().into_parts().0
}

/// Attempts per call, of the calls of these seconds.
fn attempts_per_call(seconds: &[Second]) -> f64 {
    sum(seconds, |second| second.attempts) / sum(seconds, |second| second.calls)
}

/// The part of these seconds' calls that succeeded.
fn success(seconds: &[Second]) -> f64 {
    sum(seconds, |second| second.succeeded) / sum(seconds, |second| second.calls)
}

fn sum(seconds: &[Second], what: impl Fn(&Second) -> u32) -> f64 {
    f64::from(seconds.iter().map(what).sum::<u32>())
}

/// 1000 × 10 calls/s, and in brackets 10 × 1000: a budget each, so a few clients stand for all.
const QUIET: u64 = 10;
const BUSY: u64 = 1_000;

#[test]
fn an_outage_is_not_made_worse() {
    for (clients, calls_per_second, seconds) in [(20, QUIET, 60), (1, BUSY, 20)] {
        let outage = 10 * SECOND;
        let load = Load { calls_per_second, seconds: seconds + 10 };
        let seen = simulate(clients, load, &|sent| sent < outage);
        let (first, steady) = (attempts_per_call(&seen[10..20]), attempts_per_call(&seen[20..]));
        println!("{calls_per_second}/s: {first:.3} → {steady:.3} attempts per call");
        assert!(first <= 1.11, "{first} at {calls_per_second}/s in the first 10 s");
        assert!(steady <= 1.015, "{steady} at {calls_per_second}/s thereafter");
    }
}

#[test]
fn a_new_client_does_no_harm_either() {
    for (clients, calls_per_second) in [(20, QUIET), (1, BUSY)] {
        let seen = simulate(clients, Load { calls_per_second, seconds: 10 }, &|_| false);
        let attempts = attempts_per_call(&seen);
        println!("{calls_per_second}/s: {attempts:.3} attempts per call");
        assert!(attempts <= 1.11, "{attempts} at {calls_per_second}/s");
    }
}

#[test]
fn retries_that_help_are_made() {
    for (clients, calls_per_second, seconds) in [(20, QUIET, 60), (1, BUSY, 20)] {
        let coin = Random::seeded(1);
        let load = Load { calls_per_second, seconds };
        let seen = simulate(clients, load, &|_| coin.next() < 0.5);
        println!("{calls_per_second}/s: {:.3} of calls succeed", success(&seen));
        assert!(success(&seen) >= 0.84, "{} at {calls_per_second}/s", success(&seen));
    }
}

#[test]
fn a_blip_is_survived() {
    for (clients, calls_per_second) in [(200, QUIET), (5, BUSY)] {
        let blip = 3 * SECOND..3 * SECOND + SECOND / 5;
        let load = Load { calls_per_second, seconds: 4 };
        let seen = simulate(clients, load, &|sent| !blip.contains(&sent));
        println!("{calls_per_second}/s: {:.4} of the second's calls succeed", success(&seen[3..]));
        assert!(success(&seen[3..]) >= 0.98, "{} at {calls_per_second}/s", success(&seen[3..]));
    }
}
