//! [`TokenEndpoint`]: one fetch, from the secret to the token.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use midil_http_core::{
    Attempt, AuthError, AuthErrorKind, AuthNProvider, AuthNToken, Body, CallSettings, Error,
    ExchangeSpan, Middleware, Next, Outcome, Random, Request, RetryDecision, RetryLoop, Runtime,
    Sent, Transport, TransportError, TransportErrorKind, exponential_delay, full_jitter,
    is_transient, is_transient_status,
};

use super::answer;
use super::grant::Grant;
use crate::secret_source::SecretSource;

/// No token response is longer.
const MAX_BYTES: u64 = 256 * 1024;

const ATTEMPTS: u32 = 3;
const BASE_DELAY: Duration = Duration::from_millis(200);

/// Fetches a token whenever it is asked.
pub(super) struct TokenEndpoint {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) random: Random,
    pub(super) grant: Grant,
    pub(super) secret: SecretSource,
    pub(super) fetch_timeout: Duration,
}

#[async_trait]
impl AuthNProvider for TokenEndpoint {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.fetch(self.runtime.now().checked_add(self.fetch_timeout)).await
    }
}

#[cfg(feature = "store")]
#[async_trait]
impl crate::store::TimedSource for TokenEndpoint {
    async fn get_token_by(&self, deadline: Option<Instant>) -> Result<AuthNToken, AuthError> {
        self.fetch(deadline).await
    }
}

impl TokenEndpoint {
    /// A token, without a wait that would end past the deadline.
    async fn fetch(&self, deadline: Option<Instant>) -> Result<AuthNToken, AuthError> {
        let secret = self.secret.read().await?;
        let mut settings = CallSettings::default();
        settings.idempotent = Some(true); // one token more does no harm
        let mut request = self.grant.request(&secret, settings)?;
        request.head_mut().deadline = deadline;
        let exchange = Exchange::new(&self.transport, &self.runtime);
        let response = RetryLoop::new(&decide, &*self.runtime, &self.random)
            .send(&exchange, request)
            .await
            .map_err(unreachable)?;
        let (head, body) = response.into_parts();
        let body = body.collect(MAX_BYTES).await.map_err(unreachable)?;
        let clean = |text: &str| self.grant.without_secrets(text, &secret);
        if head.status.is_success() && !answer::is_refusal(&body) {
            let token = answer::token(&head.headers, &body, clean)?;
            return Ok(token.with_issued_at(exchange.sent()));
        }
        Err(answer::refusal(
            head.status,
            &head.headers,
            &body,
            || self.runtime.system_time(),
            clean,
        ))
    }
}

/// Whether and when the endpoint is asked again, within one fetch. It never gives up: the last outcome tells more.
fn decide(attempt: &Attempt<'_>) -> RetryDecision {
    let transient = match attempt.outcome {
        Outcome::Response(head) => is_transient_status(head.status),
        Outcome::Error(error) => is_transient(error),
    };
    let backoff = full_jitter(
        exponential_delay(BASE_DELAY, 2.0, Duration::MAX, attempt.number),
        attempt.random,
    );
    // Those who were asked to wait alike should not come back alike.
    let asked = attempt.retry_after().unwrap_or_default();
    let asked = asked.saturating_add(full_jitter(asked / 10, attempt.random));
    let after = backoff.max(asked);
    let in_time = attempt.remaining.is_none_or(|remaining| after < remaining);
    if transient && in_time && attempt.number < ATTEMPTS {
        RetryDecision::Retry { after }
    } else {
        RetryDecision::Accept
    }
}

/// What kept the endpoint from answering at all.
fn unreachable(error: Error) -> AuthError {
    let (kind, message) = match &error {
        Error::Limit(_) => {
            // Its own remedy is another.
            let message = "the token endpoint's answer has more than 256 KiB: is token_url right?";
            return AuthError::new(AuthErrorKind::Malformed, message);
        }
        Error::Build(_) => (AuthErrorKind::Configuration, "the token request cannot be sent"),
        _ => (
            AuthErrorKind::Unavailable,
            "the token endpoint cannot be reached: check token_url and the way to it",
        ),
    };
    AuthError::new(kind, message).with_source(error)
}

/// One exchange with the endpoint, its body included: an answer that breaks off is worth another attempt.
struct Exchange {
    transport: Arc<dyn Transport>,
    runtime: Arc<dyn Runtime>,
    span: ExchangeSpan,
    sent: Mutex<SystemTime>,
}

impl Exchange {
    fn new(transport: &Arc<dyn Transport>, runtime: &Arc<dyn Runtime>) -> Self {
        let sent = Mutex::new(runtime.system_time());
        let (transport, runtime) = (Arc::clone(transport), Arc::clone(runtime));
        Self { transport, runtime, span: ExchangeSpan::default(), sent }
    }

    /// When the last request went out: no token in its answer is older.
    fn sent(&self) -> SystemTime {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Exchange {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = self.runtime.system_time();
        // A client span of its own: no client makes one here.
        let next = Next::new(&*self.transport).on(&*self.runtime);
        let (head, body) = self.span.handle(request, next).await?.into_parts();
        let body = match body.collect(MAX_BYTES).await {
            // The status of a refusal says what to do, `Retry-After` how long not to: its body may be lost.
            Err(_) if !head.status.is_success() => Body::empty(),
            // Ours are bytes, which do not fail: this is a transport that hands on a stream as it is.
            Err(error @ Error::Body(_)) => {
                let message = "the token endpoint's answer broke off";
                let broken = TransportError::new(TransportErrorKind::Reset, Sent::Maybe, message);
                return Err(broken.with_source(error).into());
            }
            body => body?.into(),
        };
        Ok(http::Response::from_parts(head, body))
    }
}
