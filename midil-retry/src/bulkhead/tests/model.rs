//! Any order of calls, answers, reads and drops, on virtual time, beside a queue in plain words.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_util::{FutureExt, stream};
use midil_http_core::{BoxFuture, Sent, Transport, TransportError, TransportErrorKind};
use midil_http_test::ManualRuntime;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;

/// What a test does next, to the call of that number among those it can be done to.
#[derive(Debug, Clone)]
enum Step {
    Call,
    Answer(usize, Answer),
    /// Whatever state it is in.
    DropCall(usize),
    ReadPart(usize),
    ReadAll(usize),
    DropBody(usize),
    Advance(u64),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Empty,
    Stream,
    Error,
}

impl Answer {
    fn result(self) -> Outcome {
        match self {
            Self::Empty => Ok(http::Response::new(Body::empty())),
            Self::Stream => {
                let chunks = ["one", "two"].map(Ok::<_, std::io::Error>);
                Ok(http::Response::new(Body::stream(stream::iter(chunks))))
            }
            Self::Error => {
                let (kind, sent) = (TransportErrorKind::Reset, Sent::Maybe);
                Err(TransportError::new(kind, sent, "the connection was reset").into())
            }
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![Just(Answer::Empty), Just(Answer::Stream), Just(Answer::Error)];
    prop_oneof![
        8 => Just(Step::Call),
        6 => (0..8_usize, answer).prop_map(|(call, answer)| Step::Answer(call, answer)),
        2 => (0..8_usize).prop_map(Step::DropCall),
        1 => (0..8_usize).prop_map(Step::ReadPart),
        2 => (0..8_usize).prop_map(Step::ReadAll),
        1 => (0..8_usize).prop_map(Step::DropBody),
        2 => (0..700_u64).prop_map(Step::Advance),
    ]
}

type Outcome = Result<http::Response<Body>, Error>;
type Slot = Arc<Mutex<Option<Outcome>>>;

/// A transport that notes which calls were sent, and answers when the test says so.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<VecDeque<(usize, Slot)>>>);

impl Transport for Gate {
    fn send<'a, 'async_trait>(&'a self, request: Request) -> BoxFuture<'async_trait, Outcome>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        let (number, slot) = (request.url().path()[1..].parse().unwrap(), Slot::default());
        self.0.lock().unwrap().push_back((number, Arc::clone(&slot)));
        Box::pin(poll_fn(move |_| match slot.lock().unwrap().take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }))
    }
}

/// A call of the real bulkhead.
struct Call<'a> {
    number: usize,
    future: BoxFuture<'a, Outcome>,
    /// Once it was sent.
    slot: Option<Slot>,
}

/// The bulkhead in plain words.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    /// Calls under way and bodies that are read.
    in_flight: usize,
    /// Who waits, and until when.
    queue: VecDeque<(usize, u64)>,
}

const WAIT: u64 = 1_000;
const KEY: &str = "https://api.example.com";

fn compare(steps: &[Step], limit: usize, waiting: usize) {
    let (runtime, gate) = (ManualRuntime::new(), Gate::default());
    let bulkhead = Bulkhead::builder()
        .max_in_flight(limit)
        .max_waiting(waiting)
        .max_wait(Duration::from_millis(WAIT))
        .build()
        .unwrap();
    let (mut model, mut calls, mut bodies) = (Model::default(), Vec::<Call<'_>>::new(), Vec::new());
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Call => {
                let url = format!("{KEY}/{number}");
                let next = Next::new(&gate).on(&runtime);
                let mut future = bulkhead.handle(Request::get(&url).unwrap(), next);
                let outcome = poll(&mut future);
                if model.in_flight < limit && model.queue.is_empty() {
                    assert!(outcome.is_pending());
                    model.in_flight += 1;
                    let (sent, slot) = gate.0.lock().unwrap().pop_front().expect("it was sent");
                    assert_eq!(sent, number);
                    calls.push(Call { number, future, slot: Some(slot) });
                } else if model.queue.len() < waiting {
                    assert!(outcome.is_pending());
                    model.queue.push_back((number, model.now + WAIT));
                    calls.push(Call { number, future, slot: None });
                } else {
                    assert_eq!(setting(outcome), "max_waiting");
                }
            }
            Step::Answer(call, answer) => {
                let sent = calls.iter().filter(|call| call.slot.is_some()).count();
                if sent == 0 {
                    continue;
                }
                let (index, _) = calls
                    .iter()
                    .enumerate()
                    .filter(|(_, call)| call.slot.is_some())
                    .nth(call % sent)
                    .unwrap();
                let mut call = calls.remove(index);
                *call.slot.unwrap().lock().unwrap() = Some(answer.result());
                match (poll(&mut call.future), answer) {
                    (Poll::Ready(Ok(response)), Answer::Stream) => {
                        bodies.push(response.into_body())
                    }
                    (Poll::Ready(Ok(_)), Answer::Empty) | (Poll::Ready(Err(_)), Answer::Error) => {
                        model.in_flight -= 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
            Step::DropCall(call) if !calls.is_empty() => {
                let call = calls.remove(call % calls.len());
                if call.slot.is_some() {
                    model.in_flight -= 1;
                } else {
                    model.queue.retain(|(number, _)| *number != call.number);
                }
            }
            Step::ReadPart(body) if !bodies.is_empty() => {
                let index = body % bodies.len();
                if bodies[index].chunk().now_or_never().unwrap().unwrap().is_none() {
                    bodies.remove(index);
                    model.in_flight -= 1;
                }
            }
            Step::ReadAll(body) if !bodies.is_empty() => {
                let mut body = bodies.remove(body % bodies.len());
                while body.chunk().now_or_never().unwrap().unwrap().is_some() {}
                model.in_flight -= 1;
                model.settle(limit, &mut calls, &gate);
                assert_eq!(
                    bulkhead.state(KEY),
                    model.state(),
                    "a body that has ended was not dropped"
                );
            }
            Step::DropBody(body) if !bodies.is_empty() => {
                drop(bodies.remove(body % bodies.len()));
                model.in_flight -= 1;
            }
            Step::DropCall(_) | Step::ReadPart(_) | Step::ReadAll(_) | Step::DropBody(_) => {}
            Step::Advance(time) => {
                runtime.advance(Duration::from_millis(*time));
                model.now += time;
            }
        }
        model.settle(limit, &mut calls, &gate);
        assert_eq!(bulkhead.state(KEY), model.state(), "after {step:?}");
    }
    drop((calls, bodies));
    assert_eq!(bulkhead.state(KEY), BulkheadState::default(), "a place was lost");
}

impl Model {
    /// Those who waited too long are refused, and those whose turn it is are sent, in their order.
    fn settle(&mut self, limit: usize, calls: &mut Vec<Call<'_>>, gate: &Gate) {
        let now = self.now;
        let late: Vec<_> = self.queue.iter().filter(|(_, until)| *until <= now).copied().collect();
        self.queue.retain(|(_, until)| *until > now);
        for (number, _) in late {
            let index = calls.iter().position(|call| call.number == number).unwrap();
            assert_eq!(setting(poll(&mut calls.remove(index).future)), "max_wait");
        }
        let mut turns = Vec::new();
        while self.in_flight < limit
            && let Some((number, _)) = self.queue.pop_front()
        {
            self.in_flight += 1;
            turns.push(number);
        }
        // From the last to the first: who is polled first has no advantage.
        for call in calls.iter_mut().filter(|call| call.slot.is_none()).rev() {
            assert!(poll(&mut call.future).is_pending());
        }
        let mut sent: Vec<_> = gate.0.lock().unwrap().drain(..).collect();
        sent.sort_by_key(|(number, _)| *number);
        let numbers: Vec<_> = sent.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, turns);
        for (number, slot) in sent {
            calls.iter_mut().find(|call| call.number == number).unwrap().slot = Some(slot);
        }
    }

    fn state(&self) -> BulkheadState {
        BulkheadState { in_flight: self.in_flight, waiting: self.queue.len() }
    }
}

/// The setting that refused a call.
fn setting(outcome: Poll<Outcome>) -> String {
    match outcome {
        Poll::Ready(Err(Error::Limit(error))) => error.setting().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order(steps in vec(step(), 1..100), limit in 1..4_usize, waiting in 0..4_usize) {
        compare(&steps, limit, waiting);
    }
}
