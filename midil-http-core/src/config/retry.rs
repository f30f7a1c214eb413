//! `[retry]`: what is tried again, and when.

use std::time::Duration;

use super::leaf::{count, factor, finite, flag, length, positive_length, statuses, word};
use super::section::{kinds, section};

kinds! {
    /// Whether attempts are repeated.
    RetryKind, "\"default\" or \"none\"" => {
        /// As `DefaultRetryStrategy` says.
        Default = "default": [] ["max_retries", "jitter", "max_retry_after", "retry_on_status", "backoff", "budget"];
        /// Never.
        None = "none": [] [];
    }
}

kinds! {
    /// How long to wait before a retry.
    BackoffKind,
    "\"full_jitter\", \"exponential\", \"exponential_with_jitter\", \"fixed\" or \"decorrelated_jitter\"" => {
        /// Anything from nothing to the limit, which grows: `FullJitterBackoff`.
        FullJitter = "full_jitter": [] ["base_delay", "multiplier", "max_delay"];
        /// A wait that grows: `ExponentialBackoff`.
        Exponential = "exponential": [] ["base_delay", "multiplier", "max_delay"];
        /// A wait that grows, more or less: `ExponentialBackoffWithJitter`.
        ExponentialWithJitter = "exponential_with_jitter": ["jitter"] ["base_delay", "multiplier", "max_delay"];
        /// Always the same wait: `FixedDelayBackoff`.
        Fixed = "fixed": ["delay"] [];
        /// A random wait that depends on the one before: `DecorrelatedJitterBackoff`.
        DecorrelatedJitter = "decorrelated_jitter": [] ["base_delay", "max_delay"];
    }
}

section! {
    /// `[retry.backoff]` of an [`HttpConfig`](crate::HttpConfig): how long to wait before a retry.
    ///
    /// Without a type it is full jitter, or exponential where `retry_jitter` is off.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{BackoffConfig, BackoffKind, HttpConfig, RetryConfig};
    ///
    /// let backoff = BackoffConfig::new().kind(BackoffKind::Fixed).delay(Duration::from_secs(1));
    /// let config = HttpConfig::builder().retry(RetryConfig::new().backoff(backoff)).build()?;
    /// assert_eq!(config.retry().backoff.delay, Some(Duration::from_secs(1)));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    BackoffConfig by tagged_without_none {
        /// Which of the five (`type`).
        kind: plain BackoffKind, word(BackoffKind::ALLOWED);
        /// The wait before the first retry, or its limit: 200 ms.
        base_delay: plain Duration, length();
        /// What each wait is multiplied by for the next, at least 1: 2.
        multiplier: plain f64, factor();
        /// The longest wait of our own choosing: 60 s.
        max_delay: plain Duration, positive_length();
        /// By which part a wait may be longer or shorter, from 0 to 1: for `exponential_with_jitter`.
        jitter: plain f64, finite();
        /// The wait that is always the same: for `fixed`.
        delay: plain Duration, length();
    }
}

section! {
    /// `[retry.budget]` of an [`HttpConfig`](crate::HttpConfig): what retries are paid from.
    ///
    /// What is not set is as `RetryBudget` has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{BudgetConfig, HttpConfig, RetryConfig};
    ///
    /// let retry = RetryConfig::new().budget(BudgetConfig::new().capacity(20.0));
    /// assert!(HttpConfig::builder().retry(retry).build()?.retry_budget());
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    BudgetConfig by deep {
        /// Whether retries are paid for: yes.
        enabled: plain bool, flag();
        /// What a retry costs: 1 token.
        retry_costs: plain f64, finite();
        /// What a first attempt that succeeds earns: 0.1 tokens.
        success_earns: plain f64, finite();
        /// What a retry that succeeds earns: 2.5 tokens.
        retry_success_earns: plain f64, finite();
        /// What a second earns: 0.1 tokens.
        second_earns: plain f64, finite();
        /// How many tokens there are at most, for a quiet client: 10.
        capacity: plain f64, finite();
        /// How long a time's calls are the most tokens, for a busy client: 0.5 s.
        calls_worth: plain Duration, length();
    }
}

section! {
    /// `[retry]` of an [`HttpConfig`](crate::HttpConfig): what is tried again, and when.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{HttpConfig, RetryConfig, RetryKind};
    ///
    /// let config = HttpConfig::builder().retry(RetryConfig::new().max_retries(4)).build()?;
    /// assert_eq!(config.max_retries(), 4);
    ///
    /// let error = HttpConfig::builder().retry(RetryConfig::new().kind(RetryKind::None).max_retries(4)).build();
    /// assert_eq!(
    ///     error.unwrap_err().to_string(),
    ///     "max_retries is set, but retry.type is \"none\": leave one of the two out",
    /// );
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    RetryConfig by tagged {
        /// Whether there are any (`type`): `default`.
        kind: plain RetryKind, word(RetryKind::ALLOWED);
        /// Retries after the first attempt: 2.
        max_retries: plain u32, count();
        /// Whether waits are spread at random, where the backoff has no type: yes.
        jitter: plain bool, flag();
        /// The longest `Retry-After` that is waited for: 60 s.
        max_retry_after: plain Duration, length();
        /// The statuses that are retried, in place of the usual ones.
        retry_on_status: each Vec<u16>, statuses();
    }
    sections {
        /// How long to wait before a retry.
        backoff: BackoffConfig;
        /// What retries are paid from.
        budget: BudgetConfig;
    }
}
