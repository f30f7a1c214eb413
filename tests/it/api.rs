//! What the public interface promises to the compiler.

use std::sync::Arc;

use midil_http::{
    Attempt, AuthNHeaders, AuthNProvider, AuthNToken, Backoff, Body, BodyReader, CallSettings,
    ChunkStream, Error, Event, ExchangeSpan, HttpClient, HttpClientBuilder, HttpConfig, LogLevel,
    Logging, LoggingTransport, Middleware, Next, Observer, Propagator, Redirect, Request,
    RequestBuilder, Response, RetryExhausted, RetryHook, RetryStrategy, Runtime, TraceSettings,
    Transport,
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
    check::<midil_http::Alarm<'_>>();
    check::<Attempt<'_>>();
    check::<CallSettings>();
    check::<AuthNHeaders>();
    check::<AuthNToken>();
    check::<HttpConfig>();
    check::<midil_http::HttpConfigBuilder>();
    check::<Redirect>();
    check::<Event<'_>>();
    check::<(midil_http::BatchStream<'_, Response>, midil_http::BatchCompletions<'_, Response>)>();
    check::<(midil_http::Paginate, midil_http::Pages, midil_http::PageItems<String>)>();
    check::<(midil_http::Page, midil_http::PageCursor, midil_http::PageError)>();

    check::<(midil_http::CloseReport, midil_http::DroppedCall, midil_http::CallId)>();
    #[cfg(feature = "multipart")]
    check::<(midil_http::Form, midil_http::Part)>();
}

#[test]
fn what_shows_things_crosses_threads_and_is_cheap_to_clone() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug>() {}
    check::<ExchangeSpan>();
    check::<Logging>();
    check::<LogLevel>();
    check::<LoggingTransport<Arc<dyn Transport>>>();
    check::<TraceSettings>();
    #[cfg(feature = "otel")]
    check::<midil_http::TraceContext>();

    fn middleware<T: Middleware>() {}
    middleware::<ExchangeSpan>();
    middleware::<Logging>();
    fn transport<T: Transport>() {}
    transport::<LoggingTransport<Arc<dyn Transport>>>();
    fn propagator<T: Propagator>() {}
    propagator::<Arc<dyn Propagator>>();
    #[cfg(feature = "otel")]
    propagator::<midil_http::TraceContext>();
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

#[test]
fn middleware_in_the_box_crosses_threads_and_is_cheap_to_clone() {
    fn check<T: Middleware + Clone + std::fmt::Debug>() {}
    check::<midil_http::RequestId>();
    check::<midil_http::IdempotencyKeys>();
    check::<midil_http::Validation>();
}

#[test]
fn closing_a_client_crosses_threads() {
    fn check<T: Send>(_: &T) {}
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let client = HttpClient::builder(transport).build().unwrap();
    check(&client.close());
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

#[cfg(feature = "tower")]
#[test]
fn what_adapts_tower_crosses_threads_and_is_cheap_to_clone() {
    use midil_http::{TowerTransport, TransportService};

    fn check<T: Send + Sync + Clone + std::fmt::Debug>() {}
    check::<TransportService<dyn Transport>>();
    check::<TowerTransport<TransportService<dyn Transport>>>();

    fn transport<T: Transport>() {}
    transport::<TowerTransport<HttpClient>>();
    transport::<TowerTransport<TransportService<dyn Transport>>>();
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
    fn pages<T: midil_http::PageStrategy>() {}
    pages::<Arc<dyn midil_http::PageStrategy>>();
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
    let pages: Arc<dyn midil_http::PageStrategy> =
        Arc::new(midil_http::OffsetLimit::new("offset").limit("limit", 7));
    fn first(pages: &impl midil_http::PageStrategy) -> midil_http::PageCursor {
        pages.first()
    }
    assert_eq!(first(&pages), midil_http::PageCursor::new().with_query("limit", "7"));

    let strategy: Arc<dyn RetryStrategy> = Arc::new(Both);
    fn hooked(strategy: &impl RetryStrategy) -> bool {
        strategy.hook().is_some()
    }
    assert!(hooked(&strategy));

    #[derive(Default)]
    struct Provider(std::sync::atomic::AtomicBool, std::sync::atomic::AtomicBool);
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
        fn observed_by(&self, _: &Arc<dyn Observer>) {
            self.1.store(true, std::sync::atomic::Ordering::Relaxed);
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
        let observer: Arc<dyn Observer> = Arc::new(|_: &Event<'_>| {});
        provider.observed_by(&observer);
        headers.generation()
    }
    assert_eq!(exercise(&provider), 7);
    assert!(inner.0.load(std::sync::atomic::Ordering::Relaxed));
    assert!(inner.1.load(std::sync::atomic::Ordering::Relaxed));
}

/// What a call keeps while it is in flight; a request that were no box would double it.
#[test]
fn the_future_of_a_call_stays_small() {
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let client = HttpClient::builder(transport).base_url("http://localhost").build().unwrap();
    let size = size_of_val(&client.get("/").send());
    assert!(size <= 2048, "{size} bytes");
}
