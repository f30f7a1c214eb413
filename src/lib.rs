//! An HTTP client for services that call other services: retries, timeouts and credentials over any HTTP stack.
//!
//! ```no_run
//! # async fn example() -> Result<(), midil_http::Error> {
//! let http = midil_http::client("https://api.example.com/v1")?.header("x-client-version", "1.0").build()?;
//! let users: Vec<String> = http.get("/users").query(&[("limit", 10)]).send().await?.json().await?;
//! # Ok(()) }
//! ```
//!
//! Everything here is re-exported: from `midil-http-core` (the traits, the client and the path of a request, which its
//! front page draws), from one crate per HTTP stack, and from one crate per policy. Depend on core and one backend alone
//! where that is all you need.
//!
//! # Where to begin
//!
//! - [`client`] makes a client with every default; [`client_from`] makes a whole one of an [`HttpConfig`], from a file or
//!   the environment. [`HttpClient::builder`] takes any [`Transport`].
//! - [`HttpClient`] begins requests, [`RequestBuilder`] describes them, [`Response`] is what comes back.
//! - [`HttpClient::batch`] makes many calls, some at a time; [`HttpClient::paginate`] goes from page to page.
//! - [`Error`] says what failed, whether the request may have reached the server, and what to do.
//! - [`DefaultRetryStrategy`] says what is retried, and when; [`CircuitBreaker`] leaves a server that fails alone for a
//!   while, [`Bulkhead`] bounds the calls in flight, [`RateLimit`] those in a time, and [`Hedge`] sends what takes long
//!   once more; [`standard`] is most of it in one line.
//! - [`CognitoClientCredentialsAuthenticator`] and [`ClientCredentials`] get tokens, and keep them fresh.
//! - [`Observer`] is told of what calls do, for metrics; the feature `otel` has one for OpenTelemetry.
//! - [`RequestId`], [`IdempotencyKeys`] and [`Validation`] are middleware in the box; [`HttpClient::close`] ends a client in
//!   good order.
//! - [`Middleware`] is code of yours around a call or an attempt; [`AuthNProvider`] provides credentials.
//!
//! # Features
//!
//! - `reqwest` (default): [`ReqwestTransport`]. With any transport there are [`client`] and [`client_from`].
//! - `retry` (default): retry strategies, backoffs, the budget, the circuit breaker, limits, hedging; [`client`]
//!   retries.
//! - `auth` (default): [`CognitoClientCredentialsAuthenticator`], [`ClientCredentials`], [`TokenCache`], static schemes.
//! - `hyper`: [`HyperTransport`], the plainest and the one that costs least.
//! - `isahc`: [`IsahcTransport`], over curl: needs no tokio.
//! - `charset` (default): [`Response::text`] decodes the charset that the response names, not UTF-8 alone.
//! - `fs` (default): [`Body::file`] and [`Response::save`].
//! - `tokio` (turned on by what needs it, `reqwest`, `hyper` and `redis`): a client sleeps and spawns on tokio where a runtime of it is
//!   current, and on threads of its own elsewhere.
//! - `redis`: a fleet shares one token, on Redis or Valkey.
//! - `multipart`: `Form` and `Part`, bodies of several parts.
//! - `gzip`, `brotli`, `zstd`, `deflate`: each announces one more encoding of response bodies, and decodes it
//!   ([`RequestBuilder::decompress`]): the one kind of feature that changes what is sent.
//! - `cookies`: `CookieJar`, which keeps what servers set and sends it back where it belongs.
//! - `otel`: OpenTelemetry: `OtelMetrics`, an [`Observer`] that records metrics by its instruments, and `TraceContext`, which sends
//!   the context of the trace along ([`HttpClientBuilder::propagate`]).
//! - `tower`: [`HttpClient`] and transports as `tower::Service` (`TransportService`), and such services as transports
//!   (`TowerTransport`).
//! - `full`: all of them.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "reqwest", feature = "hyper", feature = "isahc"))]
mod start;

#[doc(inline)]
pub use midil_http_core::{
    Alarm, AsyncMiddlewareFn, AsyncRetryHook, Attempt, AuthError, AuthErrorKind, AuthNHeaders,
    AuthNProvider, AuthNToken, Backoff, Batch, BatchCompletions, BatchProgress, BatchStream, Body,
    BodyEnd, BodyError, BodyReader, BoxError, BoxFuture, BuildError, Bundle, CallClosed, CallEnded,
    CallId, CallSettings, CallStarted, ChunkStream, CircuitChanged, ClientCertificate, CloseReport,
    DecodeError, DefaultRuntime, DroppedCall, Ended, Error, Event, ExchangeSpan, FileError,
    GiveUpReason, HedgeSent, HedgeWon, HttpClient, HttpClientBuilder, HttpConfig,
    HttpConfigBuilder, IdempotencyKeys, IntoRequest, JsonLink, LastOutcome, LimitError, LinkHeader,
    LogLevel, Logging, LoggingTransport, Middleware, MiddlewareFn, MiddlewareTransport, Next,
    Observer, OffsetLimit, OnEnd, Outcome, OwnedRetryEvent, Page, PageCursor, PageError,
    PageErrorKind, PageItems, PageNumber, PageStrategy, PageToken, Pages, Paginate, Phase,
    Progress, Propagator, Protocol, Proxy, ProxyMatcher, ProxySettings, QueueEnded, QueueOutcome,
    Random, Redirect, RedirectError, Request, RequestBuilder, RequestClosed, RequestEnded,
    RequestHead, RequestId, RequestStarted, Response, Retry, RetryChoice, RetryDecision,
    RetryEvent, RetryExhausted, RetryGivenUp, RetryHook, RetryLoop, RetryScheduled, RetryStrategy,
    Runtime, Secret, Sent, StatusError, Target, TimeoutError, TimeoutKind, TokenFetched, TokenUsed,
    TraceSettings, Transport, TransportError, TransportErrorKind, TransportSettings, Validation,
    async_retry_hook, async_trait, credential_url, decode_text, exponential_delay, full_jitter,
    in_line, is_transient, is_transient_status, middleware_fn, retry_after,
};

#[doc(inline)]
pub use midil_http_core::{FromSettings, TransportBuilder};

#[doc(inline)]
pub use midil_http_core::{
    AuthConfig, AuthKind, AuthMethodKind, BackendKind, BackoffConfig, BackoffKind, BreakerConfig,
    BreakerKind, BudgetConfig, BulkheadConfig, HedgeConfig, LimitsConfig, PairsSetting,
    ProtocolKind, RateLimitConfig, RedirectsConfig, RedirectsKind, RetryConfig, RetryKind,
    SecretSetting, TransportConfig, UrlSetting,
};

#[cfg(feature = "cookies")]
#[doc(inline)]
pub use midil_http_core::{Cookie, CookieJar};
#[cfg(feature = "multipart")]
#[doc(inline)]
pub use midil_http_core::{Form, Part};

#[cfg(feature = "tower")]
#[doc(inline)]
pub use midil_http_core::{TowerTransport, TransportService};

#[cfg(feature = "auth")]
#[doc(inline)]
pub use midil_auth::{
    ApiKey, BasicAuth, CacheStatus, ClientAuthMethod, ClientCredentials, ClientCredentialsBuilder,
    CognitoClientCredentialsAuthenticator, PerOrigin, PerOriginBuilder, SecretSource, StaticToken,
    TokenCache, TokenCacheBuilder, provider_from_config,
};

#[cfg(feature = "redis")]
#[doc(inline)]
pub use midil_auth::{MemoryTokenStore, RedisTokenStore, StoredToken, TokenStore};

#[cfg(feature = "hyper")]
#[doc(inline)]
pub use midil_http_hyper::HyperTransport;

#[cfg(feature = "isahc")]
#[doc(inline)]
pub use midil_http_isahc::IsahcTransport;

#[cfg(feature = "otel")]
#[doc(inline)]
pub use midil_http_otel::{OtelMetrics, OtelMetricsBuilder, TraceContext};

#[cfg(feature = "reqwest")]
#[doc(inline)]
pub use midil_http_reqwest::ReqwestTransport;

#[cfg(feature = "retry")]
#[doc(inline)]
pub use midil_retry::{
    AttemptResult, Budget, Bulkhead, BulkheadBuilder, BulkheadState, BulkheadTransport,
    CircuitBreaker, CircuitBreakerBuilder, CircuitBreakerTransport, CircuitState,
    ConditionalRetryStrategy, ConditionalRetryStrategyBuilder, DecorrelatedJitterBackoff,
    DefaultRetryStrategy, DefaultRetryStrategyBuilder, ExponentialBackoff,
    ExponentialBackoffWithJitter, FixedDelayBackoff, FullJitterBackoff, Hedge, HedgeBuilder,
    HedgeState, HedgeTransport, RateLimit, RateLimitBuilder, RateLimitState, RateLimitTransport,
    RetryBudget, RetryBudgetBuilder, RetryBudgetState, RetryTransport, Standard, StateChange,
    StateChangeReason, Verdict, standard,
};

#[cfg(any(feature = "reqwest", feature = "hyper", feature = "isahc"))]
pub use start::{client, client_from};

/// The documents, whose code is compiled and run as this crate's doc tests.
#[cfg(all(doctest, feature = "reqwest", feature = "retry", feature = "auth"))]
mod documents;
