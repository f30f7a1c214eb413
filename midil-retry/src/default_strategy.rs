//! [`DefaultRetryStrategy`].

mod builder;

use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use midil_http_core::{Attempt, Error, HttpConfig, RetryDecision, RetryHook, RetryStrategy};

pub use builder::DefaultRetryStrategyBuilder;

use crate::judgement::judge;
use crate::terms::Terms;

/// Whether an error is worth a retry.
pub(crate) type ErrorPredicate = Arc<dyn Fn(&Error) -> bool + Send + Sync>;

/// Retries what may heal by itself, where a second try can do no harm, and only while retries help.
///
/// | outcome | retried for |
/// |---|---|
/// | nothing was sent (DNS, refused, `connect_timeout`, an HTTP/2 refusal) | any method |
/// | 429 | any method |
/// | 408, 425, 5xx but 501 and 505; `timeout`, `attempt_timeout`; reset, EOF or no HTTP before the head | idempotent requests |
/// | every other status; certificate and TLS setup; `total_timeout`; every error of our own side | never |
///
/// A request is idempotent by its method (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), by an `Idempotency-Key`, or because
/// the caller says so.
///
/// **When.** After the backoff or, on any retried status, after what `Retry-After` asks plus up to 10 %, whichever is
/// later. Where the server asks for more than `max_retry_after`, or the next attempt would begin past the deadline of
/// the call, it gives up at once.
///
/// **What the caller gets.** What is never retried comes back as it is: a success, a 404, a 503 to a POST, or whatever
/// befell a stream that was read from already. What is worth a retry but gets none is [`Error::RetryExhausted`], even
/// after one attempt.
///
/// **Whose expense.** Each retry is paid for from a [`RetryBudget`](crate::RetryBudget), so that an outage is not made
/// worse. The clones of a strategy share it; a token is taken only for a retry that is made.
///
/// The default: 3 attempts, 200 ms doubled up to 60 s with full jitter, `max_retry_after` 60 s, a budget of its own.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request};
/// use midil_retry::DefaultRetryStrategy;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// # let busy = std::sync::atomic::AtomicU32::new(2);
/// # let transport = move |_: Request| {
/// #     let left = busy.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
/// #     async move { Ok(http::Response::builder().status(if left > 0 { 503 } else { 200 }).body(Body::empty()).unwrap()) }
/// # };
/// let client = HttpClient::builder(transport) // answers 503, 503, 200
///     .base_url("https://api.example.com")
///     .retry(DefaultRetryStrategy::builder().max_attempts(5).max_delay(Duration::from_secs(10)).build()?)
///     .build()?;
/// assert_eq!(client.get("/users").send().await?.attempts(), 3);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct DefaultRetryStrategy {
    terms: Terms,
    statuses: Option<Arc<[StatusCode]>>,
    errors: Option<ErrorPredicate>,
}

impl DefaultRetryStrategy {
    /// Begins with the defaults.
    pub fn builder() -> DefaultRetryStrategyBuilder {
        DefaultRetryStrategyBuilder::new()
    }

    /// The strategy that `config` describes: its `max_retries` are those after the first attempt.
    ///
    /// To set more than a config has, begin with [`builder`](Self::builder) and
    /// [`config`](DefaultRetryStrategyBuilder::config).
    ///
    /// # Errors
    ///
    /// [`Error::Build`], as [`DefaultRetryStrategyBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::HttpConfig;
    /// use midil_retry::DefaultRetryStrategy;
    ///
    /// let config = HttpConfig::builder().max_retries(4).env()?.build()?; // 5 attempts
    /// let strategy = DefaultRetryStrategy::from_config(&config)?;
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn from_config(config: &HttpConfig) -> Result<Self, Error> {
        let strategy = Self::builder().config(config).build().map_err(|error| match error {
            // What is left without a section is of the backoff that has no type.
            Error::Build(error) if !error.setting().contains('.') => {
                error.within("retry.backoff").into()
            }
            other => other,
        });
        strategy.map_err(|error| config.locate(error))
    }
}

impl RetryStrategy for DefaultRetryStrategy {
    fn decide(&self, attempt: &Attempt<'_>) -> RetryDecision {
        let errors: Option<&dyn Fn(&Error) -> bool> = match &self.errors {
            Some(errors) => Some(&**errors),
            None => None,
        };
        self.terms.decide(attempt, judge(attempt, self.statuses.as_deref(), errors))
    }

    fn hook(&self) -> Option<&dyn RetryHook> {
        self.terms.hook.as_deref()
    }
}

impl fmt::Debug for DefaultRetryStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("DefaultRetryStrategy");
        if let Some(statuses) = &self.statuses {
            debug.field("statuses", statuses);
        }
        self.terms.debug(&mut debug)
    }
}

#[cfg(test)]
mod tests;
