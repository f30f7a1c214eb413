//! [`Race`]: a request, its hedges, and which of them wins.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::StatusCode;
use midil_http_core::{
    Alarm, Body, BoxFuture, Error, Event, HedgeSent, HedgeWon, Next, Phase, Request, RequestHead,
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
    /// When it began; where something of ours held it up, when it went out.
    pub(super) started: Instant,
    /// Something of ours holds it up: credentials, a limit further down, its own upload.
    pub(super) held_up: bool,
    /// Before the first hedge, and between them.
    pub(super) delay: Duration,
    /// How many hedges there may still be.
    pub(super) left: u32,
    /// The request once more, where it cannot be rebuilt.
    pub(super) spare: Option<Box<Request>>,
    /// From the first hedge on. Boxed, because it is rare: no call should carry room for it.
    pub(super) hedged: Option<Box<Hedged<'a>>>,
}

/// How a race stands that is one.
#[derive(Default)]
pub(super) struct Hedged<'a> {
    /// Until the next hedge, or until it is to be asked for again.
    timer: Option<BoxFuture<'static, ()>>,
    /// There was a hedge: before that, the timer alone is of use.
    has_begun: bool,
    /// The request itself has come to something.
    original_is_in: bool,
    hedges: Vec<BoxFuture<'a, Outcome>>,
    /// The best that came in so far, none of it good.
    best: Option<Outcome>,
    /// What an observer is told of, once there is a hedge.
    told: Option<Box<RequestHead>>,
}

impl<'a> Race<'a> {
    /// When the first hedge is sent, if there is one.
    pub(super) fn first_hedge(&self) -> Option<Instant> {
        if self.left > 0 { self.started.checked_add(self.delay) } else { None }
    }

    /// Completes when there is a good outcome, or no other to wait for. The alarm is that of the first hedge.
    pub(super) fn poll<F>(
        &mut self,
        cx: &mut Context<'_>,
        original: Pin<&mut F>,
        alarm: Option<&Alarm<'_>>,
    ) -> Poll<Outcome>
    where
        F: Future<Output = Outcome>,
    {
        let is_in = self.hedged.as_ref().is_some_and(|hedged| hedged.original_is_in);
        if !is_in && let Poll::Ready(outcome) = original.poll(cx) {
            let Some(hedged) = &mut self.hedged else { return Poll::Ready(outcome) };
            hedged.original_is_in = true;
            if let Some(outcome) = hedged.come_in(outcome) {
                return Poll::Ready(outcome);
            }
        }
        if !self.has_hedged() {
            self.look_out();
        }
        loop {
            if let Some(hedged) = &mut self.hedged
                && let Some(outcome) = hedged.poll(cx, &self.lane, self.next)
            {
                return Poll::Ready(outcome);
            }
            if self.left == 0 {
                return Poll::Pending;
            }
            match (self.hedged.as_mut().map(|hedged| &mut hedged.timer), alarm) {
                (Some(Some(timer)), _) => ready!(timer.as_mut().poll(cx)),
                (None, Some(alarm)) => ready!(alarm.poll_rings(cx)),
                _ => return Poll::Pending,
            }
            if !self.has_hedged()
                && let Some(wait) = self.not_yet()
            {
                let timer = self.next.runtime().sleep(wait);
                self.hedged.get_or_insert_default().timer = Some(timer);
                continue;
            }
            let Some(hedge) = self.hedge() else {
                self.left = 0;
                continue;
            };
            let timer = (self.left > 0).then(|| self.next.runtime().sleep(self.delay));
            let hedged = self.hedged.get_or_insert_default();
            hedged.has_begun = true;
            hedged.hedges.push(hedge);
            hedged.timer = timer;
        }
    }

    /// Whether there was a hedge.
    fn has_hedged(&self) -> bool {
        matches!(&self.hedged, Some(hedged) if hedged.has_begun)
    }

    /// Takes note of whether the request itself, which was just asked, waits for the server. It is slow from then on.
    fn look_out(&mut self) {
        let is_out = self.next.phase().is_none_or(|phase| phase == Phase::Head);
        if is_out && self.held_up {
            self.started = self.next.runtime().now();
        }
        self.held_up = !is_out;
    }

    /// How long there is still no hedge: what is held up by us is not slow, and a hedge would be held up, too.
    fn not_yet(&self) -> Option<Duration> {
        if self.held_up {
            return Some(self.delay);
        }
        let passed = self.next.runtime().now().saturating_duration_since(self.started);
        self.delay.checked_sub(passed).filter(|left| !left.is_zero())
    }

    /// One more request, if it can be had and is paid for.
    fn hedge(&mut self) -> Option<BoxFuture<'a, Outcome>> {
        let request = match &self.spare {
            Some(spare) => spare.try_clone(),
            // Of a stream that nobody has read yet there is one: who does not get it would fail for want of it.
            None => self.next.rebuild().filter(|request| request.body().try_clone().is_some()),
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
            let hedged = self.hedged.get_or_insert_default();
            hedged.told = Some(Box::new(request.head().clone()));
        }
        Some(Box::pin(self.next.run(request)))
    }

    /// Takes note of what the call came to.
    pub(super) fn end(&self, outcome: &Outcome) {
        let Self { shared, lane, next, started, .. } = self;
        if shared.budget.is_some() && !shared.rules.measures() {
            return;
        }
        let now = next.runtime().now();
        // Where nobody saw it go out, nobody can tell what of the time was the server's.
        if is_good(outcome) && !self.held_up {
            lane.record_latency(&shared.rules, now.saturating_duration_since(*started));
        }
        if shared.budget.is_none() {
            let status = outcome.as_ref().map(http::Response::status);
            let succeeded = status.is_ok_and(|status| !is_transient_status(status));
            lane.record_result(shared.millis(now), succeeded);
        }
    }
}

impl Hedged<'_> {
    /// What the call comes to, if a hedge that has come in decides it.
    fn poll(&mut self, cx: &mut Context<'_>, lane: &HedgeLane, next: Next<'_>) -> Option<Outcome> {
        let mut index = 0;
        while let Some(hedge) = self.hedges.get_mut(index) {
            let Poll::Ready(outcome) = hedge.as_mut().poll(cx) else {
                index += 1;
                continue;
            };
            drop(self.hedges.swap_remove(index));
            if is_good(&outcome) {
                lane.count_won();
                if let (Some(observer), Some(head)) = (next.observer(), &self.told) {
                    observer.observe(&Event::HedgeWon(HedgeWon::new(head)));
                }
            }
            let decided = self.come_in(outcome);
            if decided.is_some() {
                return decided;
            }
        }
        None
    }

    /// Takes what one of them came to; gives back what the call comes to, if that is known now.
    fn come_in(&mut self, outcome: Outcome) -> Option<Outcome> {
        if is_good(&outcome) {
            return Some(outcome);
        }
        let outcome = match self.best.take() {
            // A response says more than an error: how long to wait, say.
            Some(before) if before.is_ok() || outcome.is_err() => before,
            _ => outcome,
        };
        if self.original_is_in && self.hedges.is_empty() {
            return Some(outcome);
        }
        self.best = Some(outcome);
        None
    }
}

/// Whether nobody need wait for another outcome. A 401 may be healed in the other one: a call replays one of them.
fn is_good(outcome: &Outcome) -> bool {
    let status = outcome.as_ref().map(http::Response::status);
    status.is_ok_and(|status| status != StatusCode::UNAUTHORIZED && !is_transient_status(status))
}
