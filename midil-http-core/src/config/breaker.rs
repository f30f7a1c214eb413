//! `[breaker]`: when a server is left alone.

use std::time::Duration;

use super::leaf::{finite, positive_count, positive_length, word};
use super::section::{kinds, section};

kinds! {
    /// What a circuit breaker goes by.
    BreakerKind, "\"none\", \"consecutive\" or \"ratio\"" => {
        /// There is none.
        None = "none": [] [];
        /// By failures in a row.
        Consecutive = "consecutive": [] ["failure_threshold", "recovery_timeout", "half_open_probes"];
        /// By the part of recent calls that failed, and by failures in a row where `failure_threshold` is set.
        Ratio = "ratio": ["failure_ratio"]
            ["failure_threshold", "recovery_timeout", "half_open_probes", "window", "minimum_calls"];
    }
}

section! {
    /// `[breaker]` of an [`HttpConfig`](crate::HttpConfig): when a server is left alone for a while.
    ///
    /// What is not set is as `CircuitBreaker` has it. Without a type, a `failure_threshold` makes it `consecutive`.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{BreakerConfig, BreakerKind, HttpConfig};
    ///
    /// let breaker = BreakerConfig::new().kind(BreakerKind::Ratio).failure_ratio(0.9).minimum_calls(50);
    /// let config = HttpConfig::builder().breaker(breaker).build()?;
    /// assert_eq!(config.breaker().kind, Some(BreakerKind::Ratio));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    BreakerConfig by tagged {
        /// What it goes by (`type`): `none`.
        kind: plain BreakerKind, word(BreakerKind::ALLOWED);
        /// After how many failures in a row calls are refused, at least 1.
        failure_threshold: plain u32, positive_count();
        /// How long calls are refused before one is let through to try: 60 s.
        recovery_timeout: plain Duration, positive_length();
        /// Which part of the calls has to fail, above 0 and up to 1.
        failure_ratio: plain f64, finite();
        /// The time whose calls count: 10 s.
        window: plain Duration, positive_length();
        /// How many calls there must have been in it: 20.
        minimum_calls: plain u32, positive_count();
        /// How many calls are let through to try: 1.
        half_open_probes: plain u32, positive_count();
    }
}
