#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod atomic;
mod backoff;
mod budget;
mod circuit_breaker;
mod circuit_breaker_transport;
mod conditional_strategy;
mod default_strategy;
mod judgement;
mod key;
mod retry_transport;
mod table;
mod terms;

pub use backoff::{
    DecorrelatedJitterBackoff, ExponentialBackoff, ExponentialBackoffWithJitter, FixedDelayBackoff,
    FullJitterBackoff,
};
pub use budget::{AttemptResult, Budget, RetryBudget, RetryBudgetBuilder};
pub use circuit_breaker::{
    CircuitBreaker, CircuitBreakerBuilder, CircuitState, StateChange, StateChangeReason, Verdict,
};
pub use circuit_breaker_transport::CircuitBreakerTransport;
pub use conditional_strategy::{ConditionalRetryStrategy, ConditionalRetryStrategyBuilder};
pub use default_strategy::{DefaultRetryStrategy, DefaultRetryStrategyBuilder};
pub use retry_transport::RetryTransport;
