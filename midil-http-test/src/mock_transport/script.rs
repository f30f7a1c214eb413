//! [`Script`]: what is expected, which reply is due, and what came.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use midil_http_core::RequestHead;

use super::matcher::Matcher;
use super::reply::Reply;
use super::request::RecordedRequest;

/// The state of a mock.
pub(super) struct Script {
    /// What `on` and `when` expect, in their order.
    rules: Vec<Rule>,
    /// The mock's own sequence, for all that is left.
    sequence: Rule,
    exchanges: Vec<Record>,
    /// Who waits for requests.
    watchers: Vec<Waker>,
    /// Somebody has looked whether all is well, since the last request.
    pub(super) verified: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RuleId {
    Expected(usize),
    Sequence,
}

/// Requests of a kind, and their replies.
pub(super) struct Rule {
    pub(super) matcher: Arc<Matcher>,
    replies: VecDeque<Arc<Reply>>,
    /// How many replies were ever in the queue.
    scripted: usize,
    /// What comes after the queue.
    always: Option<Arc<Reply>>,
    times: Option<usize>,
    pub(super) came: usize,
}

/// How many requests a rule expects.
pub(super) enum Expected {
    Exactly(usize),
    AtLeast(usize),
}

/// An exchange, as far as it went.
pub(super) struct Record {
    pub(super) request: RecordedRequest,
    pub(super) rule: Option<RuleId>,
    pub(super) state: ExchangeState,
}

pub(super) enum ExchangeState {
    InFlight,
    /// It was answered, in words.
    Answered(String),
    Unexpected,
    /// The caller gave it up.
    Dropped,
}

impl Rule {
    fn new(matcher: Matcher) -> Self {
        let matcher = Arc::new(matcher);
        Self { matcher, replies: VecDeque::new(), scripted: 0, always: None, times: None, came: 0 }
    }

    pub(super) fn expected(&self) -> Expected {
        match (self.times, &self.always) {
            (Some(times), _) => Expected::Exactly(times),
            (None, None) => Expected::Exactly(self.scripted),
            (None, Some(_)) => Expected::AtLeast(self.scripted),
        }
    }

    pub(super) fn is_content(&self) -> bool {
        match self.expected() {
            Expected::Exactly(times) => self.came == times,
            Expected::AtLeast(times) => self.came >= times,
        }
    }

    /// It was said to come never.
    fn forbids(&self) -> bool {
        self.times == Some(0)
    }

    fn has_reply(&self) -> bool {
        self.scripted > 0 || self.always.is_some()
    }

    /// Whoever wrote the test has forgotten something.
    pub(super) fn lacks_reply(&self) -> bool {
        !self.has_reply() && !self.forbids()
    }

    /// The reply that is due, unless as many requests came as are expected.
    fn take_reply(&mut self) -> Option<Arc<Reply>> {
        if self.times.is_some_and(|times| self.came >= times) {
            return None;
        }
        // With a number of times, the last reply is given again until that is reached.
        let repeats = self.times.is_some() && self.always.is_none();
        let reply = match self.replies.front() {
            Some(last) if repeats && self.replies.len() == 1 => Some(Arc::clone(last)),
            Some(_) => self.replies.pop_front(),
            None => self.always.clone(),
        }?;
        self.came += 1;
        Some(reply)
    }
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            rules: Vec::new(),
            sequence: Rule::new(Matcher::Any),
            exchanges: Vec::new(),
            watchers: Vec::new(),
            verified: false,
        }
    }

    pub(super) fn expect(&mut self, matcher: Matcher) -> RuleId {
        self.verified = false;
        self.rules.push(Rule::new(matcher));
        RuleId::Expected(self.rules.len() - 1)
    }

    fn rule_mut(&mut self, id: RuleId) -> &mut Rule {
        self.verified = false;
        match id {
            RuleId::Expected(at) => &mut self.rules[at],
            RuleId::Sequence => &mut self.sequence,
        }
    }

    pub(super) fn rule(&self, id: RuleId) -> &Rule {
        match id {
            RuleId::Expected(at) => &self.rules[at],
            RuleId::Sequence => &self.sequence,
        }
    }

    pub(super) fn reply(&mut self, rule: RuleId, reply: Reply) {
        let rule = self.rule_mut(rule);
        rule.replies.push_back(Arc::new(reply));
        rule.scripted += 1;
    }

    pub(super) fn reply_always(&mut self, rule: RuleId, reply: Reply) {
        self.rule_mut(rule).always = Some(Arc::new(reply));
    }

    pub(super) fn times(&mut self, rule: RuleId, times: usize) {
        self.rule_mut(rule).times = Some(times);
    }

    /// All rules that expect something, in their order.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let sequence = self.sequence.has_reply().then_some(&self.sequence);
        self.rules.iter().chain(sequence)
    }

    /// What `on` and `when` ask for, to be asked without the lock.
    pub(super) fn matchers(&self) -> Vec<Arc<Matcher>> {
        self.rules.iter().map(|rule| Arc::clone(&rule.matcher)).collect()
    }

    /// Chooses who answers a request, given which rules it fits.
    pub(super) fn choose(&mut self, fits: &[bool]) -> Option<(RuleId, Arc<Reply>)> {
        for (at, (rule, fits)) in self.rules.iter_mut().zip(fits).enumerate() {
            if !fits {
                continue;
            }
            if rule.forbids() {
                rule.came += 1;
                return None;
            }
            if let Some(reply) = rule.take_reply() {
                return Some((RuleId::Expected(at), reply));
            }
        }
        Some((RuleId::Sequence, self.sequence.take_reply()?))
    }

    /// Notes a request that came; tells its number, and who has waited for it.
    pub(super) fn record(
        &mut self,
        head: RequestHead,
        rule: Option<RuleId>,
    ) -> (usize, Vec<Waker>) {
        self.verified = false;
        let state =
            if rule.is_some() { ExchangeState::InFlight } else { ExchangeState::Unexpected };
        self.exchanges.push(Record { request: RecordedRequest::new(head), rule, state });
        (self.exchanges.len() - 1, std::mem::take(&mut self.watchers))
    }

    pub(super) fn exchange_mut(&mut self, number: usize) -> &mut Record {
        &mut self.exchanges[number]
    }

    pub(super) fn exchanges(&self) -> &[Record] {
        &self.exchanges
    }

    /// The requests that came, or those that a rule has answered.
    pub(super) fn requests(&self, rule: Option<RuleId>) -> Vec<RecordedRequest> {
        let chosen = self.exchanges.iter().filter(|record| rule.is_none() || record.rule == rule);
        chosen.map(|record| record.request.clone()).collect()
    }

    pub(super) fn in_flight(&self) -> usize {
        let is_in_flight = |record: &&Record| matches!(record.state, ExchangeState::InFlight);
        self.exchanges.iter().filter(is_in_flight).count()
    }

    pub(super) fn watch(&mut self, waker: &Waker) {
        if !self.watchers.iter().any(|watcher| watcher.will_wake(waker)) {
            self.watchers.push(waker.clone());
        }
    }
}
