//! [`HedgeLane`]: what hedging knows of one key.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use super::latencies::Latencies;
use super::{HedgeState, Rules, When};
use crate::budget::AttemptResult;
use crate::budget::bucket::Bucket;
use crate::budget::builder::RetryBudgetBuilder;
use crate::lanes::Lane;

/// Latencies, tokens and counts.
pub(super) struct HedgeLane {
    key: Arc<str>,
    /// `None` where the delay is fixed.
    latencies: Option<Latencies>,
    /// What hedges are paid from where they have a budget of their own.
    bucket: Bucket,
    /// Since the last sweep.
    used: AtomicBool,
    sent: AtomicU64,
    won: AtomicU64,
}

impl HedgeLane {
    pub(super) fn new(key: Arc<str>, rules: &Rules) -> Self {
        let latencies = matches!(rules.when, When::Percentile { .. }).then(Latencies::new);
        let (bucket, used) = (Bucket::default(), AtomicBool::new(true));
        Self { key, latencies, bucket, used, sent: AtomicU64::new(0), won: AtomicU64::new(0) }
    }

    pub(super) fn key_text(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }

    /// Notes that it is in use.
    pub(super) fn touch(&self) {
        if !self.used.load(Relaxed) {
            self.used.store(true, Relaxed);
        }
    }

    /// Whether it was not used since this was last asked.
    pub(super) fn is_idle(&self) -> bool {
        !self.used.swap(false, Relaxed)
    }

    /// How long an answer may take before there is a hedge; `None` when nobody can tell yet.
    pub(super) fn delay(&self, rules: &Rules) -> Option<Duration> {
        match rules.when {
            When::Fixed(delay) => Some(delay),
            When::Percentile { least, most, .. } => {
                let found = self.latencies.as_ref().and_then(Latencies::percentile);
                let delay = found.map(|found| found.max(least));
                match (delay, most) {
                    (Some(delay), Some(most)) => Some(delay.min(most)),
                    (delay, most) => delay.or(most),
                }
            }
        }
    }

    pub(super) fn record_latency(&self, rules: &Rules, latency: Duration) {
        if let (When::Percentile { percentile, .. }, Some(latencies)) =
            (rules.when, &self.latencies)
        {
            latencies.record(percentile, latency);
        }
    }

    /// Tells the lane's own budget what a call came to; time is in milliseconds.
    pub(super) fn record_result(&self, now: u64, succeeded: bool) {
        self.bucket.record(&RetryBudgetBuilder::DEFAULTS, now, AttemptResult::new(1, succeeded));
    }

    /// Pays for a hedge from the lane's own budget.
    pub(super) fn withdraw(&self, now: u64) -> bool {
        self.bucket.withdraw(&RetryBudgetBuilder::DEFAULTS, now)
    }

    pub(super) fn count_sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    pub(super) fn count_won(&self) {
        self.won.fetch_add(1, Relaxed);
    }

    pub(super) fn state(&self, rules: &Rules) -> HedgeState {
        HedgeState {
            delay: self.delay(rules),
            samples: self.latencies.as_ref().map_or(0, Latencies::samples),
            sent: self.sent.load(Relaxed),
            won: self.won.load(Relaxed),
        }
    }
}

impl Lane for HedgeLane {
    fn key(&self) -> &Arc<str> {
        &self.key
    }
}
