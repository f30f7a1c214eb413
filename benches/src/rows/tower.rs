//! tower's retry and timeout around reqwest, which is a service of its own.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Request, Response};
use tower::retry::Policy;
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::budget::{Budget, TpsBudget};
use tower::util::rng::HasherRng;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::BoxError;
use crate::client::{Count, Task};

/// Three attempts in all, exponential backoff, a budget; a timeout of each attempt's head; a token set by hand.
pub(crate) async fn retry_and_timeout(task: Task) -> Result<Count, BoxError> {
    let client = Client::new();
    let mut service = ServiceBuilder::new()
        .retry(Retries::new()?)
        .timeout(Duration::from_secs(30))
        .service(client.clone());
    let url = task.url();
    let mut token = HeaderValue::from_str(&Task::authorization())?;
    token.set_sensitive(true);
    task.repeat(async || {
        let mut request = client.request(task.method(), url.as_str());
        request = request.header(AUTHORIZATION, token.clone());
        if let Some(upload) = task.upload() {
            request = request.body(upload);
        }
        let response = service.ready().await?.call(request.build()?).await?;
        Ok(response.bytes().await?)
    })
    .await
}

/// One call's retries: tower clones it for each call.
#[derive(Clone, Debug)]
struct Retries {
    left: usize,
    backoff: ExponentialBackoff,
    /// Shared by all calls.
    budget: Arc<TpsBudget>,
}

impl Retries {
    fn new() -> Result<Self, BoxError> {
        let (base, cap) = (Duration::from_millis(200), Duration::from_secs(60));
        Ok(Self {
            left: 2,
            backoff: ExponentialBackoffMaker::new(base, cap, 0.5, HasherRng::new())?.make_backoff(),
            budget: Arc::default(),
        })
    }
}

impl Policy<Request, Response, BoxError> for Retries {
    type Future = <ExponentialBackoff as Backoff>::Future;

    fn retry(
        &mut self,
        request: &mut Request,
        result: &mut Result<Response, BoxError>,
    ) -> Option<Self::Future> {
        let failed = match result {
            Ok(response) => {
                let status = response.status();
                status.as_u16() == 429
                    || (request.method().is_idempotent() && status.is_server_error())
            }
            Err(_) => request.method().is_idempotent(),
        };
        if !failed {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        request.try_clone()
    }
}
