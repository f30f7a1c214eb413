//! `[limits]`: how many calls in flight, how many in a time, and a second request for what takes long.

use std::time::Duration;

use super::leaf::{count, finite, length, positive_count, positive_length};
use super::section::section;

section! {
    /// `[limits.bulkhead]` of an [`HttpConfig`](crate::HttpConfig): how many calls to an origin may be in flight.
    ///
    /// There is one when any of it is set. What is not set is as `Bulkhead` has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{BulkheadConfig, HttpConfig, LimitsConfig};
    ///
    /// let limits = LimitsConfig::new().bulkhead(BulkheadConfig::new().max_in_flight(20).max_waiting(0));
    /// let config = HttpConfig::builder().limits(limits).build()?;
    /// assert_eq!(config.max_in_flight(), Some(20));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    BulkheadConfig by deep {
        /// How many calls may be in flight at once, at least 1: 100.
        max_in_flight: plain usize, positive_count();
        /// How many more may wait: as many.
        max_waiting: plain usize, count();
        /// For how long: 10 s.
        max_wait: plain Duration, positive_length();
    }
}

section! {
    /// `[limits.rate_limit]` of an [`HttpConfig`](crate::HttpConfig): how many attempts to an origin may be made in a time.
    ///
    /// There is one when `calls` and `per` are set. What is not set is as `RateLimit` has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{HttpConfig, LimitsConfig, RateLimitConfig};
    ///
    /// let rate = RateLimitConfig::new().calls(50).per(Duration::from_secs(1));
    /// let config = HttpConfig::builder().limits(LimitsConfig::new().rate_limit(rate)).build()?;
    /// assert_eq!(config.limits().rate_limit.calls, Some(50));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    RateLimitConfig by deep {
        /// How many attempts, at least 1.
        calls: plain u32, positive_count();
        /// In which time.
        per: plain Duration, positive_length();
        /// How many at once, after a quiet time: as many as `calls`.
        burst: plain u32, positive_count();
        /// How long a call may wait for its turn: 10 s.
        max_wait: plain Duration, length();
    }
}

section! {
    /// `[limits.hedge]` of an [`HttpConfig`](crate::HttpConfig): when a request that takes long is sent a second time.
    ///
    /// There is hedging when any of it is set. What is not set is as `Hedge` has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{HedgeConfig, HttpConfig, LimitsConfig};
    ///
    /// let hedge = HedgeConfig::new().percentile(0.95);
    /// let config = HttpConfig::builder().limits(LimitsConfig::new().hedge(hedge)).build()?;
    /// assert_eq!(config.limits().hedge.percentile, Some(0.95));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    HedgeConfig by deep {
        /// After which time, always the same.
        delay: plain Duration, positive_length();
        /// After the time that this part of the calls takes: 0.95, where there is no `delay`.
        percentile: plain f64, finite();
        /// How many calls that part is taken of at least: 50.
        minimum_samples: plain usize, positive_count();
        /// The least time, by percentile: 1 ms.
        min_delay: plain Duration, length();
        /// The longest time, by percentile.
        max_delay: plain Duration, positive_length();
        /// How many more requests there may be: 1.
        max_hedges: plain u32, positive_count();
    }
}

section! {
    /// `[limits]` of an [`HttpConfig`](crate::HttpConfig): none, unless they are set.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{HedgeConfig, HttpConfig, LimitsConfig};
    ///
    /// let limits = LimitsConfig::new().hedge(HedgeConfig::new().max_hedges(2));
    /// assert_eq!(HttpConfig::builder().limits(limits.clone()).build()?.limits(), &limits);
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    LimitsConfig by deep {
    }
    sections {
        /// How many calls may be in flight.
        bulkhead: BulkheadConfig;
        /// How many attempts may be made in a time.
        rate_limit: RateLimitConfig;
        /// When a request that takes long is sent a second time.
        hedge: HedgeConfig;
    }
}
