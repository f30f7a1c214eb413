//! Retry as pure policy: [`RetryStrategy`] decides, the loop obeys what physics allows.

mod after;
mod attempt;
mod backoff;
mod hook;
mod policy_loop;
mod refused;
mod transient;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use after::retry_after;
pub use attempt::{Attempt, Outcome};
pub use backoff::{Backoff, Retry, exponential_delay, full_jitter};
pub use hook::{AsyncRetryHook, OwnedRetryEvent, RetryEvent, RetryHook, async_retry_hook};
pub use policy_loop::RetryLoop;
pub(crate) use policy_loop::{Attempts, Chosen, Limits, Tries, retry};
pub use transient::{is_transient, is_transient_status};

/// Decides whether and when a request is sent again.
///
/// # For implementers
///
/// `decide` is called after every attempt, the good ones too, and must be quick and pure but for shared counters (a
/// budget). The loop enforces what a strategy cannot talk it out of: a stream that was read from is not sent again, no
/// wait goes past the deadline of the call, and a discarded response is drained first.
///
/// # Examples
///
/// A closure is a strategy:
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Attempt, Body, GiveUpReason, HttpClient, Outcome, Request, RetryDecision};
///
/// let strategy = |attempt: &Attempt<'_>| match attempt.outcome {
///     Outcome::Response(head) if head.status == 503 && attempt.number < 3 => {
///         RetryDecision::Retry { after: Duration::ZERO }
///     }
///     _ => RetryDecision::Accept,
/// };
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let busy = |_: Request| async {
///     Ok(http::Response::builder().status(503).body(Body::empty()).expect("a valid response"))
/// };
/// let client = HttpClient::builder(busy).base_url("http://localhost").retry(strategy).build()?;
/// assert_eq!(client.get("/").send().await?.attempts(), 3);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
pub trait RetryStrategy: Send + Sync + 'static {
    /// Decides what becomes of an attempt's outcome.
    fn decide(&self, attempt: &Attempt<'_>) -> RetryDecision;

    /// Who is told before each retry, and may change the head of the next request; nobody by default.
    fn hook(&self) -> Option<&dyn RetryHook> {
        None
    }
}

impl<T: RetryStrategy + ?Sized> RetryStrategy for Arc<T> {
    fn decide(&self, attempt: &Attempt<'_>) -> RetryDecision {
        (**self).decide(attempt)
    }

    fn hook(&self) -> Option<&dyn RetryHook> {
        (**self).hook()
    }
}

impl<F> RetryStrategy for F
where
    F: Fn(&Attempt<'_>) -> RetryDecision + Send + Sync + 'static,
{
    fn decide(&self, attempt: &Attempt<'_>) -> RetryDecision {
        self(attempt)
    }
}

/// What becomes of an attempt's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryDecision {
    /// The outcome is returned as it came, be it a response or an error.
    Accept,
    /// The request is sent again, this long from now.
    Retry {
        /// How long to wait.
        after: Duration,
    },
    /// The outcome is worth a retry, but there is none: [`Error::RetryExhausted`](crate::Error::RetryExhausted).
    GiveUp {
        /// Why not.
        reason: GiveUpReason,
    },
}

/// Why a call is not tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GiveUpReason {
    /// All attempts are used up.
    Attempts,
    /// The retry budget of this server is empty: it fails too often for retries to help.
    Budget,
    /// The server asked for a wait that is longer than the strategy allows.
    RetryAfter {
        /// The wait that the server asked for.
        asked: Duration,
        /// The longest that the strategy allows.
        limit: Duration,
    },
    /// The next attempt would begin past the deadline of the call.
    Deadline {
        /// The wait before the next attempt.
        wait: Duration,
        /// What was left of the call's time.
        remaining: Duration,
    },
    /// A reason of the strategy's own.
    Other(Cow<'static, str>),
}

impl fmt::Display for GiveUpReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempts => f.write_str("all attempts are used up"),
            Self::Budget => f.write_str("the retry budget of this server is empty"),
            Self::RetryAfter { asked, limit } => {
                write!(
                    f,
                    "the server asked to wait {asked:.0?}, longer than max_retry_after ({limit:.0?})"
                )
            }
            Self::Deadline { wait, remaining } => write!(
                f,
                "the next attempt would begin in {wait:.0?}, with {remaining:.0?} left of total_timeout"
            ),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}
