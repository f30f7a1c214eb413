//! What the public interface promises to the compiler.

use std::sync::Arc;

use midil_http::{
    Attempt, AuthNHeaders, AuthNProvider, AuthNToken, Backoff, Body, BodyReader, CallSettings,
    ChunkStream, Error, Event, HttpClient, HttpClientBuilder, HttpConfig, Middleware, Next,
    Observer, Redirect, Request, RequestBuilder, Response, RetryExhausted, RetryHook,
    RetryStrategy, Runtime, Transport,
};

#[test]
fn what_crosses_threads_does() {
    fn check<T: Send + Sync>() {}
    check::<HttpClient>();
    check::<HttpClientBuilder>();
    check::<RequestBuilder>();
    check::<Request>();
    check::<Response>();
    check::<Body>();
    check::<BodyReader>();
    check::<ChunkStream>();
    check::<midil_http::Progress>();
    check::<Error>();
    check::<RetryExhausted>();
    check::<Next<'_>>();
    check::<Attempt<'_>>();
    check::<CallSettings>();
    check::<AuthNHeaders>();
    check::<AuthNToken>();
    check::<HttpConfig>();
    check::<Redirect>();
    check::<Event<'_>>();
    #[cfg(feature = "multipart")]
    check::<(midil_http::Form, midil_http::Part)>();
}

#[cfg(feature = "retry")]
#[test]
fn every_policy_crosses_threads_and_is_cheap_to_clone() {
    use midil_http::{
        Bulkhead, BulkheadBuilder, BulkheadState, BulkheadTransport, CircuitBreaker,
        CircuitBreakerBuilder, CircuitBreakerTransport, CircuitState, Hedge, HedgeBuilder,
        HedgeState, HedgeTransport, RateLimit, RateLimitBuilder, RateLimitState,
        RateLimitTransport, RetryBudget, RetryBudgetState, Standard, StateChange,
        StateChangeReason, Verdict,
    };

    fn check<T: Send + Sync + Clone + std::fmt::Debug>() {}
    check::<Bulkhead>();
    check::<BulkheadBuilder>();
    check::<BulkheadState>();
    check::<BulkheadTransport<Arc<dyn Transport>>>();
    check::<CircuitBreaker>();
    check::<CircuitBreakerBuilder>();
    check::<CircuitBreakerTransport<Arc<dyn Transport>>>();
    check::<CircuitState>();
    check::<Hedge>();
    check::<HedgeBuilder>();
    check::<HedgeState>();
    check::<HedgeTransport<Arc<dyn Transport>>>();
    check::<RateLimit>();
    check::<RateLimitBuilder>();
    check::<RateLimitState>();
    check::<RateLimitTransport<Arc<dyn Transport>>>();
    check::<RetryBudget>();
    check::<Standard>();
    check::<RetryBudgetState>();
    check::<StateChange>();
    check::<StateChangeReason>();
    check::<Verdict>();

    fn middleware<T: Middleware>() {}
    middleware::<Bulkhead>();
    middleware::<CircuitBreaker>();
    middleware::<Hedge>();
    middleware::<RateLimit>();
    fn transport<T: Transport>() {}
    transport::<CircuitBreakerTransport<Arc<dyn Transport>>>();
}

#[cfg(feature = "auth")]
#[test]
fn every_provider_crosses_threads_and_is_cheap_to_clone() {
    use midil_http::{
        ApiKey, BasicAuth, ClientCredentials, ClientCredentialsBuilder,
        CognitoClientCredentialsAuthenticator, PerOrigin, SecretSource, StaticToken, TokenCache,
    };

    fn check<T: AuthNProvider + Clone + std::fmt::Debug>() {}
    check::<ApiKey>();
    check::<BasicAuth>();
    check::<ClientCredentials>();
    check::<CognitoClientCredentialsAuthenticator>();
    check::<PerOrigin>();
    check::<StaticToken>();
    check::<TokenCache>();

    fn crosses<T: Send + Sync>() {}
    crosses::<ClientCredentialsBuilder>();
    crosses::<SecretSource>();
}

#[cfg(feature = "otel")]
#[test]
fn metrics_are_an_observer_that_is_cheap_to_clone() {
    fn check<T: Observer + Clone + std::fmt::Debug>() {}
    check::<midil_http::OtelMetrics>();
}

#[cfg(feature = "redis")]
#[test]
fn stores_are_object_safe_and_forwarded_by_arc() {
    fn check<T: midil_http::TokenStore>() {}
    check::<Arc<dyn midil_http::TokenStore>>();
    check::<midil_http::MemoryTokenStore>();
    check::<midil_http::RedisTokenStore>();
}

#[test]
fn every_trait_is_object_safe_and_forwarded_by_arc() {
    fn transport<T: Transport>() {}
    fn middleware<T: Middleware>() {}
    fn provider<T: AuthNProvider>() {}
    fn strategy<T: RetryStrategy>() {}
    fn backoff<T: Backoff>() {}
    fn runtime<T: Runtime>() {}
    transport::<Arc<dyn Transport>>();
    middleware::<Arc<dyn Middleware>>();
    provider::<Arc<dyn AuthNProvider>>();
    strategy::<Arc<dyn RetryStrategy>>();
    backoff::<Arc<dyn Backoff>>();
    runtime::<Arc<dyn Runtime>>();
    fn observer<T: Observer>(_: Option<T>) {}
    observer::<Arc<dyn Observer>>(None);
    observer(Some(|_: &Event<'_>| {}));
}

#[test]
fn arc_forwards_the_methods_that_have_defaults_too() {
    struct Both;
    impl RetryStrategy for Both {
        fn decide(&self, _: &Attempt<'_>) -> midil_http::RetryDecision {
            midil_http::RetryDecision::Accept
        }
        fn hook(&self) -> Option<&dyn RetryHook> {
            Some(&|_: &mut midil_http::RetryEvent<'_>| {})
        }
    }
    let strategy: Arc<dyn RetryStrategy> = Arc::new(Both);
    fn hooked(strategy: &impl RetryStrategy) -> bool {
        strategy.hook().is_some()
    }
    assert!(hooked(&strategy));

    #[derive(Default)]
    struct Provider(std::sync::atomic::AtomicBool);
    #[midil_http::async_trait]
    impl AuthNProvider for Provider {
        async fn get_token(&self) -> Result<AuthNToken, midil_http::AuthError> {
            Ok(AuthNToken::new("unused"))
        }
        async fn get_headers(
            &self,
            _: &midil_http::RequestHead,
        ) -> Result<AuthNHeaders, midil_http::AuthError> {
            Ok(AuthNHeaders::new().with_generation(7))
        }
        fn invalidate(&self, _: &AuthNHeaders) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let inner = Arc::new(Provider::default());
    let provider: Arc<Arc<Provider>> = Arc::new(Arc::clone(&inner));
    fn exercise(provider: &impl AuthNProvider) -> u64 {
        let request = Request::get("http://localhost/").unwrap();
        let headers = futures_util::FutureExt::now_or_never(provider.get_headers(request.head()))
            .unwrap()
            .unwrap();
        provider.invalidate(&headers);
        headers.generation()
    }
    assert_eq!(exercise(&provider), 7);
    assert!(inner.0.load(std::sync::atomic::Ordering::Relaxed));
}

/// What a call keeps while it is in flight; a request that were no box would double it.
#[test]
fn the_future_of_a_call_stays_small() {
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let client = HttpClient::builder(transport).base_url("http://localhost").build().unwrap();
    let size = size_of_val(&client.get("/").send());
    assert!(size <= 2048, "{size} bytes");
}
