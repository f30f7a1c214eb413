#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
mod budget;
mod conditional_strategy;
mod default_strategy;
mod judgement;
mod retry_transport;
mod terms;

pub use backoff::{
    DecorrelatedJitterBackoff, ExponentialBackoff, ExponentialBackoffWithJitter, FixedDelayBackoff,
    FullJitterBackoff,
};
pub use budget::{AttemptResult, Budget, RetryBudget, RetryBudgetBuilder};
pub use conditional_strategy::{ConditionalRetryStrategy, ConditionalRetryStrategyBuilder};
pub use default_strategy::{DefaultRetryStrategy, DefaultRetryStrategyBuilder};
pub use retry_transport::RetryTransport;
