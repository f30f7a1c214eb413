//! [`Race`]: a request, its hedges, and which of them wins.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::StatusCode;
use midil_http_core::{Alarm, Body, BoxFuture, Error, Next, Request, is_transient_status};

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
    /// Until the next hedge, from the second on.
    timer: Option<BoxFuture<'static, ()>>,
    /// The request itself has come to something.
    original_is_in: bool,
    hedges: Vec<BoxFuture<'a, Outcome>>,
    /// The best that came in so far, none of it good.
    best: Option<Box<Outcome>>,
}

impl<'a> Race<'a> {
    /// Completes when there is a good outcome, or no other to wait for.
    ///
    /// The alarm is that of the first hedge.
    pub(super) fn poll<F>(
        &mut self,
        cx: &mut Context<'_>,
        original: Pin<&mut F>,
        alarm: Option<&Alarm<'_>>,
    ) -> Poll<Outcome>
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
                }
                if let Some(outcome) = self.come_in(outcome) {
                    return Poll::Ready(outcome);
                }
            }
            if self.left == 0 {
                return Poll::Pending;
            }
            match (&mut self.state.timer, alarm) {
                (Some(timer), _) => ready!(timer.as_mut().poll(cx)),
                (None, Some(alarm)) => ready!(alarm.poll_rings(cx)),
                (None, None) => return Poll::Pending,
            }
            match self.hedge() {
                Some(hedge) => self.state.hedges.push(hedge),
                None => self.left = 0,
            }
            self.state.timer = (self.left > 0).then(|| self.next.runtime().sleep(self.delay));
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
        Some(Box::pin(self.next.run(request)))
    }

    /// Takes what one of them came to; gives back what the call comes to, if that is known now.
    fn come_in(&mut self, outcome: Outcome) -> Option<Outcome> {
        if is_good(&outcome) {
            return Some(outcome);
        }
        let State { original_is_in, hedges, best, .. } = &mut self.state;
        let outcome = match best.take() {
            // A response says more than an error: how long to wait, say.
            Some(before) if before.is_ok() || outcome.is_err() => *before,
            _ => outcome,
        };
        if *original_is_in && hedges.is_empty() {
            return Some(outcome);
        }
        *best = Some(Box::new(outcome));
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
