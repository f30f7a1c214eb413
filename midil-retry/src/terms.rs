//! [`Terms`]: how often, when, and at whose expense; the same for every strategy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{
    Attempt, Backoff, BuildError, Error, GiveUpReason, Outcome, Retry, RetryDecision, RetryHook,
    full_jitter, retry_after,
};

use crate::FullJitterBackoff;
use crate::budget::{AttemptResult, Budget, RetryBudget};
use crate::judgement::Judgement;

/// How much later than asked a retry may be made, as a part of what was asked, so that those who were told the same
/// do not come back as one.
const RETRY_AFTER_JITTER: f64 = 0.1;

/// The terms on which a request is sent again.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Arc<dyn Backoff>,
    pub(crate) max_retry_after: Duration,
    pub(crate) budget: Option<Arc<dyn Budget>>,
    pub(crate) hook: Option<Arc<dyn RetryHook>>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            backoff: Arc::new(FullJitterBackoff::default()),
            max_retry_after: Duration::from_secs(60),
            budget: Some(Arc::new(RetryBudget::default())),
            hook: None,
        }
    }
}

impl Terms {
    /// Refuses what would allow not even one attempt.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.max_attempts == 0 {
            let problem = "is 0: give at least 1, which means no retry";
            return Err(BuildError::new("max_attempts", problem));
        }
        Ok(())
    }

    /// Decides, given what the strategy makes of the outcome. What costs something comes last.
    pub(crate) fn decide(&self, attempt: &Attempt<'_>, judgement: Judgement) -> RetryDecision {
        self.record(attempt, judgement);
        if judgement != (Judgement::Bad { retry: true }) || !attempt.replayable {
            return RetryDecision::Accept;
        }
        if attempt.number >= self.max_attempts {
            return give_up(GiveUpReason::Attempts);
        }
        let asked = asked_wait(attempt);
        if let Some(asked) = asked
            && asked > self.max_retry_after
        {
            let limit = self.max_retry_after;
            return give_up(GiveUpReason::RetryAfter { asked, limit });
        }
        let wait = self.wait(attempt, asked);
        if let Some(remaining) = attempt.remaining
            && wait >= remaining
        {
            return give_up(GiveUpReason::Deadline { wait, remaining });
        }
        if let Some(budget) = &self.budget
            && !budget.withdraw(&attempt.request.url, attempt.now)
        {
            return give_up(GiveUpReason::Budget);
        }
        RetryDecision::Retry { after: wait }
    }

    /// Tells the budget what the attempt came to, once: that of a download that breaks off was told by its head.
    fn record(&self, attempt: &Attempt<'_>, judgement: Judgement) {
        if attempt.resumes {
            return;
        }
        let succeeded = match judgement {
            Judgement::NoVerdict => return,
            Judgement::Good => true,
            Judgement::Bad { .. } => false,
        };
        if let Some(budget) = &self.budget {
            let result = AttemptResult::new(attempt.number, succeeded);
            budget.record(&attempt.request.url, attempt.now, result);
        }
    }

    /// The later of the backoff and what the server asked for: never earlier than that.
    fn wait(&self, attempt: &Attempt<'_>, asked: Option<Duration>) -> Duration {
        let retry = Retry::new(attempt.number)
            .with_previous(attempt.previous_delay)
            .with_random(attempt.random);
        let wait = self.backoff.delay(&retry);
        asked.map_or(wait, |asked| {
            let most = full_jitter(asked, RETRY_AFTER_JITTER);
            wait.max(asked.saturating_add(full_jitter(most, attempt.random)))
        })
    }

    pub(crate) fn debug(&self, debug: &mut fmt::DebugStruct<'_, '_>) -> fmt::Result {
        debug
            .field("max_attempts", &self.max_attempts)
            .field("max_retry_after", &self.max_retry_after)
            .field("has_budget", &self.budget.is_some())
            .finish_non_exhaustive()
    }
}

/// The wait that the server asked for, by a response, or by one that a middleware made an error.
fn asked_wait(attempt: &Attempt<'_>) -> Option<Duration> {
    match attempt.outcome {
        Outcome::Error(Error::Status(error)) => {
            retry_after(error.headers(), || attempt.system_time())
        }
        _ => attempt.retry_after(),
    }
}

const fn give_up(reason: GiveUpReason) -> RetryDecision {
    RetryDecision::GiveUp { reason }
}
