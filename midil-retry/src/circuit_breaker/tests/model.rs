//! The breaker against a simple model: any order of calls, outcomes, drops and orders by hand, on virtual time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use midil_http_core::{
    Body, BoxFuture, Error, Middleware, Next, Request, Sent, Transport, TransportError,
    TransportErrorKind,
};
use midil_http_test::ManualRuntime;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;

/// What a test does next. Calls are numbered as they are under way.
#[derive(Debug, Clone)]
enum Step {
    Call,
    Finish(usize, Outcome),
    Drop(usize),
    /// Neither answered nor dropped, ever.
    Forget(usize),
    Advance(u64),
    ForceOpen,
    ForceClosed,
    Reset,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Ok,
    NotFound,
    Unavailable,
    TooMany,
    Reset,
    Local,
}

impl Outcome {
    fn result(self) -> Result<http::Response<Body>, Error> {
        let status = |status| {
            Ok(http::Response::builder().status(status).body(Body::empty()).expect("valid"))
        };
        match self {
            Self::Ok => status(200),
            Self::NotFound => status(404),
            Self::Unavailable => status(503),
            Self::TooMany => status(429),
            Self::Reset => Err(TransportError::new(
                TransportErrorKind::Reset,
                Sent::Maybe,
                "the connection was reset",
            )
            .into()),
            Self::Local => Err(Error::custom("no quota left")),
        }
    }

    const fn succeeded(self) -> Option<bool> {
        match self {
            Self::Ok | Self::NotFound => Some(true),
            Self::Unavailable | Self::Reset => Some(false),
            Self::TooMany | Self::Local => None,
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Ok),
        1 => Just(Outcome::NotFound),
        5 => Just(Outcome::Unavailable),
        1 => Just(Outcome::TooMany),
        2 => Just(Outcome::Reset),
        1 => Just(Outcome::Local),
    ];
    prop_oneof![
        40 => Just(Step::Call),
        40 => (0..8_usize, outcome).prop_map(|(call, outcome)| Step::Finish(call, outcome)),
        8 => (0..8_usize).prop_map(Step::Drop),
        2 => (0..8_usize).prop_map(Step::Forget),
        12 => (0..700_u64).prop_map(Step::Advance),
        1 => Just(Step::ForceOpen),
        1 => Just(Step::ForceClosed),
        2 => Just(Step::Reset),
    ]
}

/// A breaker in plain words, with a list where the real one has bits.
struct Model {
    threshold: Option<u32>,
    /// Part, minimum, window in ms.
    ratio: Option<(f64, usize, u64)>,
    recovery: u64,
    probes: usize,
    now: u64,
    state: CircuitState,
    /// Counts the states.
    generation: u32,
    failures: u32,
    /// When calls of this state came to something, and whether they failed.
    seen: Vec<(u64, bool)>,
    opened: u64,
    in_flight: usize,
    successes: usize,
    probed: u64,
    changes: Vec<(CircuitState, CircuitState)>,
}

impl Model {
    fn go(&mut self, to: CircuitState) {
        if to != self.state {
            self.changes.push((self.state, to));
        }
        self.state = to;
        self.generation += 1;
        (self.failures, self.in_flight, self.successes) = (0, 0, 0);
        self.seen.clear();
        self.opened = self.now;
    }

    /// Lets a call through, whose generation is returned, or says when to come again.
    fn call(&mut self) -> Result<u32, Duration> {
        let wait = |then: u64, model: &Self| (then + model.recovery).saturating_sub(model.now);
        match self.state {
            CircuitState::Closed | CircuitState::ForcedClosed => return Ok(self.generation),
            CircuitState::ForcedOpen => return Err(Duration::MAX),
            CircuitState::Open => match wait(self.opened, self) {
                0 => self.go(CircuitState::HalfOpen),
                wait => return Err(Duration::from_millis(wait)),
            },
            CircuitState::HalfOpen => {
                let wait = wait(self.probed, self);
                if self.in_flight + self.successes >= self.probes && wait > 0 {
                    return Err(Duration::from_millis(wait));
                }
            }
        }
        self.in_flight += 1;
        self.probed = self.now;
        Ok(self.generation)
    }

    fn finish(&mut self, generation: u32, succeeded: Option<bool>) {
        if generation != self.generation {
            return;
        }
        match (self.state, succeeded) {
            (CircuitState::HalfOpen, None) => self.in_flight -= 1,
            (CircuitState::HalfOpen, Some(false)) => self.go(CircuitState::Open),
            (CircuitState::HalfOpen, Some(true)) => {
                self.in_flight -= 1;
                self.successes += 1;
                if self.successes == self.probes {
                    self.go(CircuitState::Closed);
                }
            }
            (CircuitState::Closed, Some(succeeded)) => {
                self.seen.push((self.now, !succeeded));
                self.failures = if succeeded { 0 } else { self.failures + 1 };
                if !succeeded && self.is_too_much() {
                    self.go(CircuitState::Open);
                }
            }
            _ => {}
        }
    }

    fn is_too_much(&self) -> bool {
        let by_ratio = self.ratio.is_some_and(|(part, minimum, window)| {
            let turn = |time| time / (window / 10);
            let recent = self.seen.iter().filter(|(time, _)| turn(*time) + 10 > turn(self.now));
            let (calls, failures) = recent
                .fold((0_u32, 0_u32), |(calls, failures), (_, failed)| {
                    (calls + 1, failures + u32::from(*failed))
                });
            usize::try_from(calls).unwrap() >= minimum
                && f64::from(failures) / f64::from(calls) >= part
        });
        by_ratio || self.threshold.is_some_and(|threshold| self.failures >= threshold)
    }
}

/// A transport whose exchanges end when the test says so.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<VecDeque<Sender>>>);

type Outcomes = Result<http::Response<Body>, Error>;
type Sender = Arc<Mutex<Option<Outcomes>>>;

impl Transport for Gate {
    fn send<'a, 'async_trait>(&'a self, _: Request) -> BoxFuture<'async_trait, Outcomes>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        let slot = Sender::default();
        self.0.lock().unwrap().push_back(Arc::clone(&slot));
        Box::pin(poll_fn(move |_| match slot.lock().unwrap().take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }))
    }
}

struct UnderWay<'a> {
    call: BoxFuture<'a, Outcomes>,
    answer: Sender,
    generation: u32,
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn get() -> Request {
    Request::get("https://api.example.com/users").unwrap()
}

const KEY: &str = "https://api.example.com";

/// Takes the steps with both, and compares them after each.
fn compare(steps: &[Step], builder: CircuitBreakerBuilder, mut model: Model) {
    let (runtime, gate) = (ManualRuntime::new(), Gate::default());
    let changes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&changes);
    let hook = move |change: &StateChange| log.lock().unwrap().push((change.from, change.to));
    let breaker = builder
        .recovery_timeout(Duration::from_millis(model.recovery))
        .half_open_probes(u32::try_from(model.probes).unwrap())
        .on_state_change(hook)
        .build()
        .unwrap();
    breaker.0.nanos(&runtime); // time begins
    let mut calls: Vec<UnderWay<'_>> = Vec::new();
    for step in steps {
        let count = calls.len();
        match step {
            Step::Call => {
                let mut call = breaker.handle(get(), Next::new(&gate).on(&runtime));
                match (poll(&mut call), model.call()) {
                    (Poll::Pending, Ok(generation)) => {
                        let answer = gate.0.lock().unwrap().pop_front().expect("it was sent");
                        calls.push(UnderWay { call, answer, generation });
                    }
                    (Poll::Ready(Err(Error::CircuitOpen { retry_in, .. })), Err(expected)) => {
                        assert_eq!(retry_in, expected);
                        assert!(gate.0.lock().unwrap().is_empty(), "a refused call was sent");
                    }
                    (poll, expected) => panic!("{poll:?} instead of {expected:?}"),
                }
            }
            Step::Finish(call, outcome) if count > 0 => {
                let UnderWay { mut call, answer, generation } = calls.remove(call % count);
                *answer.lock().unwrap() = Some(outcome.result());
                assert!(poll(&mut call).is_ready());
                model.finish(generation, outcome.succeeded());
            }
            Step::Drop(call) if count > 0 => {
                let dropped = calls.remove(call % count);
                model.finish(dropped.generation, None);
            }
            Step::Forget(call) if count > 0 => std::mem::forget(calls.remove(call % count)),
            Step::Finish(..) | Step::Drop(_) | Step::Forget(_) => {}
            Step::Advance(time) => {
                runtime.advance(Duration::from_millis(*time));
                model.now += time;
            }
            Step::ForceOpen => {
                breaker.force_open(KEY);
                model.go(CircuitState::ForcedOpen);
            }
            Step::ForceClosed => {
                breaker.force_closed(KEY);
                model.go(CircuitState::ForcedClosed);
            }
            Step::Reset => {
                breaker.reset(KEY);
                model.go(CircuitState::Closed);
            }
        }
        assert_eq!(breaker.state(KEY), model.state, "after {step:?}");
        assert_eq!(*changes.lock().unwrap(), model.changes, "after {step:?}");
    }
    recovers(&breaker, &runtime, calls);
}

/// Whatever happened, and whoever was forgotten: a server that copes gets its circuit closed.
fn recovers(breaker: &CircuitBreaker, runtime: &ManualRuntime, calls: Vec<UnderWay<'_>>) {
    if [CircuitState::ForcedOpen, CircuitState::ForcedClosed].contains(&breaker.state(KEY)) {
        breaker.reset(KEY);
    }
    drop(calls);
    let healthy = |_: Request| async { Outcome::Ok.result() };
    for _ in 0..breaker.0.rules.probes {
        runtime.advance(breaker.0.rules.recovery);
        let outcome = breaker.handle(get(), Next::new(&healthy).on(runtime)).now_or_never();
        assert!(matches!(outcome, Some(Ok(_))), "{outcome:?}");
    }
    assert_eq!(breaker.state(KEY), CircuitState::Closed);
}

fn model(threshold: Option<u32>, ratio: Option<(f64, usize, u64)>, probes: usize) -> Model {
    Model {
        threshold,
        ratio,
        recovery: 1_000,
        probes,
        now: 0,
        state: CircuitState::Closed,
        generation: 0,
        failures: 0,
        seen: Vec::new(),
        opened: 0,
        in_flight: 0,
        successes: 0,
        probed: 0,
        changes: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn failures_in_a_row(steps in vec(step(), 1..120), threshold in 1..5_u32, probes in 1..4_usize) {
        let builder = CircuitBreaker::builder().failure_threshold(threshold);
        compare(&steps, builder, model(Some(threshold), None, probes));
    }

    #[test]
    fn a_part_of_the_calls(
        steps in vec(step(), 1..120),
        part in prop_oneof![Just(0.25), Just(0.5), Just(1.0)],
        minimum in 1..6_u32,
        probes in 1..4_usize,
        threshold in prop::option::of(2..6_u32),
    ) {
        let builder = CircuitBreaker::builder()
            .failure_ratio(part)
            .minimum_calls(minimum)
            .window(Duration::from_secs(2));
        let builder = match threshold {
            Some(threshold) => builder.failure_threshold(threshold),
            None => builder,
        };
        let ratio = Some((part, usize::try_from(minimum).unwrap(), 2_000));
        compare(&steps, builder, model(threshold, ratio, probes));
    }
}
