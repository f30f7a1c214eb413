#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod atomic;
mod backoff;
mod budget;
mod bulkhead;
mod circuit_breaker;
mod conditional_strategy;
mod default_strategy;
mod from_config;
mod hedge;
mod judgement;
mod key;
mod lanes;
mod queued;
mod rate_limit;
mod retry_transport;
mod standard;
mod table;
mod terms;
mod transports;
mod within;

pub use backoff::{
    DecorrelatedJitterBackoff, ExponentialBackoff, ExponentialBackoffWithJitter, FixedDelayBackoff,
    FullJitterBackoff,
};
pub use budget::{AttemptResult, Budget, RetryBudget, RetryBudgetBuilder, RetryBudgetState};
pub use bulkhead::{Bulkhead, BulkheadBuilder, BulkheadState};
pub use circuit_breaker::{
    CircuitBreaker, CircuitBreakerBuilder, CircuitState, StateChange, StateChangeReason, Verdict,
};
pub use conditional_strategy::{ConditionalRetryStrategy, ConditionalRetryStrategyBuilder};
pub use default_strategy::{DefaultRetryStrategy, DefaultRetryStrategyBuilder};
pub use hedge::{Hedge, HedgeBuilder, HedgeState};
pub use rate_limit::{RateLimit, RateLimitBuilder, RateLimitState};
pub use retry_transport::RetryTransport;
pub use standard::{Standard, standard};
pub use transports::{
    BulkheadTransport, CircuitBreakerTransport, HedgeTransport, RateLimitTransport,
};
