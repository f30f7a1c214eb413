//! [`Policy`]: how a client copes.

use std::sync::Arc;
use std::time::Duration;

use midil_http::{CircuitBreaker, DefaultRetryStrategy, Error, HttpClient};

use super::aws_budget::AwsBudget;
use super::ratio_budget::RatioBudget;
use super::runtime::VirtualRuntime;
use super::server::Server;

/// A call gives up when it has waited for so long.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How a client copes. Those that retry make up to 3 attempts, with the waits of the product's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// One attempt.
    None,
    /// Retries, whatever they come to.
    NoBudget,
    /// Retries within the quota of the AWS SDKs' standard mode.
    Aws,
    /// Retries as a ratio of the calls: reqwest's budget, which is Finagle's.
    Ratio,
    /// The product's default.
    Ours,
    /// The same, and a circuit breaker.
    OursAndBreaker,
}

impl Policy {
    pub(crate) const ALL: [Self; 6] =
        [Self::None, Self::NoBudget, Self::Aws, Self::Ratio, Self::Ours, Self::OursAndBreaker];

    /// Whether it keeps the limits.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursAndBreaker)
    }

    /// Whether a client's other calls matter to a call. Where they do not, it is all one how many clients there are.
    pub(crate) const fn has_state(self) -> bool {
        !matches!(self, Self::None | Self::NoBudget)
    }

    /// As the table has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "no retries",
            Self::NoBudget => "no budget",
            Self::Aws => "AWS-like, 500 tokens",
            Self::Ratio => "ratio, 20 %",
            Self::Ours => "ours",
            Self::OursAndBreaker => "ours + breaker",
        }
    }

    /// A client of this policy.
    pub(crate) fn client(
        self,
        server: Arc<Server>,
        runtime: &VirtualRuntime,
        seed: u64,
    ) -> Result<HttpClient, Error> {
        let client =
            HttpClient::builder(server).timeout(TIMEOUT).runtime(runtime.clone()).seed(seed);
        let retries = DefaultRetryStrategy::builder;
        match self {
            Self::None => client,
            Self::NoBudget => client.retry(retries().no_budget().build()?),
            Self::Aws => client.retry(retries().budget(AwsBudget::default()).build()?),
            Self::Ratio => client.retry(retries().budget(RatioBudget::default()).build()?),
            Self::Ours => client.retry(retries().build()?),
            Self::OursAndBreaker => client.retry(retries().build()?).attempt_middleware(breaker()?),
        }
        .build()
    }
}

/// It opens when next to nothing gets through. A lower ratio, or failures in a row, would refuse calls whose retries help:
/// where half of the attempts fail, five in a row do so all the time. A hanging probe and the recovery timeout are no longer
/// than what a caller should have to wait when the server is back.
fn breaker() -> Result<CircuitBreaker, Error> {
    CircuitBreaker::builder()
        .failure_ratio(0.9)
        .window(Duration::from_secs(5))
        .recovery_timeout(Duration::from_millis(500))
        .build()
}
