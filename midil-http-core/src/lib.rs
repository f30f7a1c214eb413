//! The core of midil-http: the traits, the client and the path of a request. No runtime, no HTTP stack.
//!
//! ```text
//! RequestBuilder → 1 span → 2 call middleware… → 3 total timeout → 4 decompression → 5 redirects ↺ → 6 retry ↺
//!   → 7 attempt middleware… → 8 cookies → 9 auth, with its single 401 replay → 10 timeout → 11 attempt event
//!   → Transport
//! ```
//!
//! Whoever calls services depends on this crate and one backend, a crate that implements [`Transport`]. Whoever writes a
//! backend, a retry policy or a provider of credentials depends on this crate alone.
//!
//! # Examples
//!
//! ```
//! use midil_http_core::{Body, HttpClient, Request};
//!
//! # futures_util::FutureExt::now_or_never(async {
//! // Any Transport will do; in tests, a closure.
//! let transport = |request: Request| async move {
//!     assert_eq!(request.url().as_str(), "https://api.example.com/v1/users?limit=10");
//!     Ok(http::Response::new(Body::from("[\"Ada\"]")))
//! };
//! let client = HttpClient::builder(transport).base_url("https://api.example.com/v1").build()?;
//!
//! let users: Vec<String> = client.get("/users").query(&[("limit", 10)]).send().await?.json().await?;
//! assert_eq!(users, ["Ada"]);
//! # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
//! ```
//!
//! # The traits
//!
//! | trait | role | shortest form |
//! |---|---|---|
//! | [`Transport`] | one exchange over some HTTP stack | a closure |
//! | [`Middleware`] | sees a request go out and its response come back | an `async fn` |
//! | [`AuthNProvider`] | credentials | one method |
//! | [`RetryStrategy`] | whether and when to try again | a closure |
//! | [`Backoff`] | how long to wait | a closure |
//! | [`PageStrategy`] | where the next page is | a closure |
//! | [`Propagator`] | trace context on what is sent | a closure |
//! | [`Runtime`] | time and tasks | [`DefaultRuntime`] |
//! | [`Observer`] | is told of what calls do, for metrics | a closure |
//!
//! # Features
//!
//! - `tokio` (default): [`DefaultRuntime`] sleeps and spawns on tokio where a tokio runtime is current.
//! - `fs` (default): `Body::file`, `Response::save`, and `Part::file`.
//! - `charset` (default): [`Response::text`] knows the charsets of the Encoding Standard.
//! - `multipart`: `Form` and `Part`, bodies of `multipart/form-data`.
//! - `gzip`, `brotli`, `zstd`, `deflate`: each announces one more encoding of response bodies, and decodes it
//!   ([`RequestBuilder::decompress`]).
//! - `cookies`: `CookieJar`, which keeps what servers set and sends it back where it belongs.
//! - `tower`: [`HttpClient`] as a `tower::Service`, any [`Transport`] as one (`TransportService`), and any such service as
//!   a [`Transport`] (`TowerTransport`).
#![cfg_attr(docsrs, feature(doc_cfg))]

mod alarm;
mod auth;
mod base_url;
mod body;
mod client;
mod config;
#[cfg(feature = "cookies")]
mod cookie_jar;
mod error;
mod header_input;
mod in_line;
mod logging;
mod middleware;
mod middleware_transport;
#[cfg(feature = "multipart")]
mod multipart;
mod observer;
mod origin;
mod origins;
mod pipeline;
mod random;
mod redact;
mod request;
mod retry;
mod runtime;
mod settings;
#[cfg(feature = "tower")]
mod tower;
mod trace;
mod transport;
mod transport_settings;

pub use async_trait::async_trait;

#[cfg(feature = "tower")]
pub use self::tower::{TowerTransport, TransportService};
pub use alarm::Alarm;
pub use auth::{AuthNHeaders, AuthNProvider, AuthNToken, Secret};
pub use body::{Body, BodyReader, OnEnd, Progress};
pub use client::{
    Batch, BatchCompletions, BatchProgress, BatchStream, Bundle, ChunkStream, CloseReport,
    DroppedCall, HttpClient, HttpClientBuilder, IntoRequest, JsonLink, LinkHeader, OffsetLimit,
    Page, PageCursor, PageItems, PageNumber, PageStrategy, PageToken, Pages, Paginate,
    RequestBuilder, Response, decode_text,
};
pub use config::{
    AuthConfig, AuthKind, AuthMethodKind, BackendKind, BackoffConfig, BackoffKind, BreakerConfig,
    BreakerKind, BudgetConfig, BulkheadConfig, HedgeConfig, HttpConfig, HttpConfigBuilder,
    LimitsConfig, PairsSetting, ProtocolKind, RateLimitConfig, RedirectsConfig, RedirectsKind,
    RetryConfig, RetryKind, SecretSetting, TransportConfig, UrlSetting,
};
#[cfg(feature = "cookies")]
pub use cookie_jar::{Cookie, CookieJar};
pub use error::{
    AuthError, AuthErrorKind, BodyError, BoxError, BuildError, DecodeError, Error, FileError,
    LastOutcome, LimitError, PageError, PageErrorKind, Phase, RedirectError, RetryExhausted, Sent,
    StatusError, TimeoutError, TimeoutKind, TransportError, TransportErrorKind,
};
pub use in_line::in_line;
pub use logging::{LogLevel, Logging, LoggingTransport};
pub use middleware::{
    AsyncMiddlewareFn, CallId, IdempotencyKeys, Middleware, MiddlewareFn, Next, RequestId,
    Validation, middleware_fn,
};
pub use middleware_transport::MiddlewareTransport;
#[cfg(feature = "multipart")]
pub use multipart::{Form, Part};
pub use observer::{
    BodyEnd, CallClosed, CallEnded, CallStarted, CircuitChanged, Ended, Event, HedgeSent, HedgeWon,
    Observer, QueueEnded, QueueOutcome, RequestClosed, RequestEnded, RequestStarted, RetryGivenUp,
    RetryScheduled, Target, TokenFetched, TokenUsed,
};
pub use origin::credential_url;
pub use pipeline::Redirect;
pub use random::Random;
pub use request::{Request, RequestHead};
pub use retry::{
    AsyncRetryHook, Attempt, Backoff, GiveUpReason, Outcome, OwnedRetryEvent, Retry, RetryDecision,
    RetryEvent, RetryHook, RetryLoop, RetryStrategy, async_retry_hook, exponential_delay,
    full_jitter, is_transient, is_transient_status, retry_after,
};
pub use runtime::{DefaultRuntime, Runtime};
pub use settings::{CallSettings, RetryChoice};
pub use trace::{ExchangeSpan, Propagator, TraceSettings};
pub use transport::Transport;
pub use transport_settings::{
    ClientCertificate, FromSettings, Protocol, Proxy, ProxyMatcher, ProxySettings,
    TransportBuilder, TransportSettings,
};

/// A future in a box, as the traits pass it around.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
