//! [`Race`]: a request, its hedges, and which of them wins.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::StatusCode;
use midil_http_core::{
    Body, BoxFuture, Error, Event, HedgeSent, HedgeWon, Next, Request, RequestHead,
    is_transient_status,
};

use super::Shared;
use super::lane::HedgeLane;

pub(super) type Outcome = Result<http::Response<Body>, Error>;

/// One call that may be hedged. Whoever is still under way when it is dropped has lost, and goes with it.
pub(super) struct Race<'a> {
    pub(super) shared: &'a Shared,
    pub(super) lane: Arc<HedgeLane>,
    pub(super) next: Next<'a>,
    pub(super) started: Instant,
    /// Before the first hedge, and between them.
    pub(super) delay: Duration,
    /// How many hedges there may still be.
    pub(super) left: u32,
    /// The request once more, where it cannot be rebuilt.
    pub(super) spare: Option<Box<Request>>,
    pub(super) state: State<'a>,
}

/// How a race stands.
#[derive(Default)]
pub(super) struct State<'a> {
    timer: Option<BoxFuture<'static, ()>>,
    /// The request itself has come to something.
    original_is_in: bool,
    hedges: Vec<BoxFuture<'a, Outcome>>,
    /// The best that came in so far, none of it good.
    best: Option<Outcome>,
    /// What an observer is told of, once there is a hedge.
    told: Option<Box<RequestHead>>,
}

impl<'a> Race<'a> {
    /// Completes when there is a good outcome, or no other to wait for.
    pub(super) fn poll<F>(&mut self, cx: &mut Context<'_>, original: Pin<&mut F>) -> Poll<Outcome>
    where
        F: Future<Output = Outcome>,
    {
        if !self.state.original_is_in
            && let Poll::Ready(outcome) = original.poll(cx)
        {
            self.state.original_is_in = true;
            if let Some(outcome) = self.come_in(outcome) {
                return Poll::Ready(outcome);
            }
        }
        loop {
            let mut index = 0;
            while let Some(hedge) = self.state.hedges.get_mut(index) {
                let Poll::Ready(outcome) = hedge.as_mut().poll(cx) else {
                    index += 1;
                    continue;
                };
                drop(self.state.hedges.swap_remove(index));
                if is_good(&outcome) {
                    self.lane.count_won();
                    self.tell_won();
                }
                if let Some(outcome) = self.come_in(outcome) {
                    return Poll::Ready(outcome);
                }
            }
            if self.left == 0 {
                return Poll::Pending;
            }
            let (runtime, delay) = (self.next.runtime(), self.delay);
            let timer = self.state.timer.get_or_insert_with(|| runtime.sleep(delay));
            ready!(timer.as_mut().poll(cx));
            self.state.timer = None;
            match self.hedge() {
                Some(hedge) => self.state.hedges.push(hedge),
                None => self.left = 0,
            }
        }
    }

    /// One more request, if it can be had and is paid for.
    fn hedge(&mut self) -> Option<BoxFuture<'a, Outcome>> {
        let request = match &self.spare {
            Some(spare) => spare.try_clone(),
            None => self.next.rebuild(),
        }?;
        let now = self.next.runtime().now();
        let paid = match &self.shared.budget {
            Some(budget) => budget.withdraw(request.url(), now),
            None => self.lane.withdraw(self.shared.millis(now)),
        };
        if !paid {
            return None;
        }
        self.left -= 1;
        self.lane.count_sent();
        if let Some(observer) = self.next.observer() {
            observer.observe(&Event::HedgeSent(HedgeSent::new(request.head())));
            self.state.told = Some(Box::new(request.head().clone()));
        }
        Some(Box::pin(self.next.run(request)))
    }

    fn tell_won(&self) {
        if let (Some(observer), Some(head)) = (self.next.observer(), &self.state.told) {
            observer.observe(&Event::HedgeWon(HedgeWon::new(head)));
        }
    }

    /// Takes what one of them came to; gives back what the call comes to, if that is known now.
    fn come_in(&mut self, outcome: Outcome) -> Option<Outcome> {
        if is_good(&outcome) {
            return Some(outcome);
        }
        let State { original_is_in, hedges, best, .. } = &mut self.state;
        let outcome = match best.take() {
            // A response says more than an error: how long to wait, say.
            Some(Err(_)) if outcome.is_ok() => outcome,
            Some(before) => before,
            None => outcome,
        };
        if *original_is_in && hedges.is_empty() {
            return Some(outcome);
        }
        *best = Some(outcome);
        None
    }

    /// Takes note of what the call came to.
    pub(super) fn end(self, outcome: &Outcome) {
        let Self { shared, lane, next, started, .. } = self;
        if shared.budget.is_some() && !shared.rules.measures() {
            return;
        }
        let now = next.runtime().now();
        if is_good(outcome) {
            lane.record_latency(&shared.rules, now.saturating_duration_since(started));
        }
        if shared.budget.is_none() {
            let status = outcome.as_ref().map(http::Response::status);
            let succeeded = status.is_ok_and(|status| !is_transient_status(status));
            lane.record_result(shared.millis(now), succeeded);
        }
    }
}

/// Whether nobody need wait for another outcome. A 401 may be healed in the other one: a call replays one of them.
fn is_good(outcome: &Outcome) -> bool {
    let status = outcome.as_ref().map(http::Response::status);
    status.is_ok_and(|status| status != StatusCode::UNAUTHORIZED && !is_transient_status(status))
}
