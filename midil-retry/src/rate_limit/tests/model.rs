//! Any order of calls and drops, on virtual time, beside a bucket in plain words.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use midil_http_core::{BoxFuture, Runtime};
use midil_http_test::ManualRuntime;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;

#[derive(Debug, Clone)]
enum Step {
    /// With so many milliseconds until its deadline.
    Call(Option<u64>),
    /// One of those that wait.
    Drop(usize),
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::option::weighted(0.2, 1..2_000_u64).prop_map(Step::Call),
        1 => (0..8_usize).prop_map(Step::Drop),
        3 => (0..900_u64).prop_map(Step::Advance),
    ]
}

/// Milliseconds are what is saved up: `interval` of them for each call.
struct Model {
    interval: u64,
    burst: u64,
    saved: u64,
    max_wait: u64,
}

impl Model {
    fn try_take(&mut self) -> bool {
        let enough = self.saved >= self.interval;
        if enough {
            self.saved -= self.interval;
        }
        enough
    }

    /// How long one more has to wait, behind so many.
    fn wait(&self, ahead: u64) -> u64 {
        ((ahead + 1) * self.interval).saturating_sub(self.saved)
    }
}

type Outcome = Result<http::Response<Body>, Error>;

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

const KEY: &str = "https://api.example.com";

fn compare(steps: &[Step], mut model: Model) {
    let runtime = ManualRuntime::new();
    let sent = Arc::new(Mutex::new(Vec::<usize>::new()));
    let log = Arc::clone(&sent);
    let transport = move |request: Request| {
        log.lock().unwrap().push(request.url().path()[1..].parse().unwrap());
        async { Ok(http::Response::new(Body::empty())) }
    };
    let limit = RateLimit::builder(1, Duration::from_millis(model.interval))
        .burst(u32::try_from(model.burst).unwrap())
        .max_wait(Duration::from_millis(model.max_wait))
        .build()
        .unwrap();
    limit.0.nanos(runtime.now()); // time begins
    let mut queue: VecDeque<(usize, BoxFuture<'_, Outcome>)> = VecDeque::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Call(left) => {
                let mut request = Request::get(&format!("{KEY}/{number}")).unwrap();
                let left = left.map(Duration::from_millis);
                request.head_mut().deadline = left.map(|left| runtime.now() + left);
                let mut call = limit.handle(request, Next::new(&transport).on(&runtime));
                let outcome = poll(&mut call);
                let ahead = u64::try_from(queue.len()).unwrap();
                if queue.is_empty() && model.try_take() {
                    assert!(matches!(outcome, Poll::Ready(Ok(_))), "{outcome:?}");
                    assert_eq!(sent.lock().unwrap().pop(), Some(number));
                } else {
                    let wait = Duration::from_millis(model.wait(ahead));
                    let refused_by = if wait > Duration::from_millis(model.max_wait) {
                        Some("max_wait")
                    } else {
                        left.filter(|left| wait >= *left).map(|_| "total_timeout")
                    };
                    match (outcome, refused_by) {
                        (Poll::Pending, None) => queue.push_back((number, call)),
                        (Poll::Ready(Err(Error::Limit(error))), Some(setting)) => {
                            assert_eq!((error.setting(), error.retry_in()), (setting, Some(wait)));
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
            Step::Drop(call) if !queue.is_empty() => {
                queue.remove(call % queue.len());
            }
            Step::Drop(_) => {}
            Step::Advance(time) => {
                runtime.advance(Duration::from_millis(*time));
                model.saved = (model.saved + time).min(model.burst * model.interval);
            }
        }
        // Whoever is polled first has no advantage: the last are.
        loop {
            let before = queue.len();
            let mut turns = Vec::new();
            for (number, call) in queue.iter_mut().rev() {
                if poll(call).is_ready() {
                    turns.push(*number);
                }
            }
            queue.retain(|(number, _)| !turns.contains(number));
            if queue.len() == before {
                break;
            }
        }
        let sent: Vec<_> = sent.lock().unwrap().drain(..).collect();
        let expected = steps_of(&mut model, &queue, sent.len());
        assert_eq!(sent.len(), expected, "after {step:?}");
        assert!(sent.is_sorted(), "one overtook another: {sent:?}");
        assert!(sent.last() < queue.front().map(|(number, _)| number).or(Some(&usize::MAX)));
        let state = limit.state(KEY, runtime.now());
        let available = model.saved / model.interval;
        assert_eq!((u64::from(state.available), state.waiting), (available, queue.len()));
    }
}

/// How many of those that waited go: as many as there is saved up for.
fn steps_of<T>(model: &mut Model, left: &VecDeque<T>, sent: usize) -> usize {
    (0..left.len() + sent).take_while(|_| model.try_take()).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order(
        steps in vec(step(), 1..100),
        interval in 1..300_u64,
        burst in 1..6_u64,
        max_wait in 0..1_500_u64,
    ) {
        compare(&steps, Model { interval, burst, saved: burst * interval, max_wait });
    }
}
