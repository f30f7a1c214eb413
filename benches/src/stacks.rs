//! Bare backends and what is built on them, as `--load` and `--memory` compare them. Each stack is given the same URL as a
//! string, keeps as many connections, has no other limit, and reads each body to its end.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use isahc::AsyncReadResponseExt;
use midil_auth::TokenCache;
use midil_http_core::{AuthNToken, FromSettings, HttpClient, TransportSettings};
use midil_http_hyper::HyperTransport;
use midil_http_isahc::IsahcTransport;
use midil_http_reqwest::ReqwestTransport;
use midil_retry::DefaultRetryStrategy;
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use tower::{ServiceBuilder, ServiceExt};

use self::caller::{Caller, caller};
use crate::{BoxError, client};

pub(crate) mod caller;

/// More than are ever in flight.
const CONNECTIONS: usize = 1024;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

const TIMEOUT: Duration = Duration::from_secs(30);

/// Stacks over one backend; the first is that backend, bare.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) stacks: &'static [Stack],
    /// More calls in flight than these it does not take: of 512 at once, bare isahc fails to connect some.
    pub(crate) most: usize,
}

#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) title: &'static str,
    /// Builds the client that calls this URL, which is there for as long as the process: whoever calls has it in hand.
    pub(crate) start: fn(&'static str) -> Result<Box<dyn Caller>, BoxError>,
}

pub(crate) const GROUPS: &[Group] = &[
    Group {
        stacks: &[
            Stack { title: "bare reqwest", start: bare_reqwest },
            Stack { title: "… with a `User-Agent` and a token by hand", start: headers_by_hand },
            Stack { title: "**midil-http over reqwest**", start: midil::<ReqwestTransport> },
            Stack { title: "reqwest-middleware, reqwest-retry, token by hand", start: middleware },
            Stack { title: "tower: retry, timeout, token by hand, over reqwest", start: tower },
        ],
        most: usize::MAX,
    },
    Group {
        stacks: &[
            Stack { title: "hyper-util's pooled client", start: hyper_util },
            Stack {
                title: "… with a `User-Agent` and a token by hand", start: hyper_util_headers
            },
            Stack { title: "**midil-http over hyper**", start: midil::<HyperTransport> },
        ],
        most: usize::MAX,
    },
    Group {
        stacks: &[
            Stack { title: "bare isahc", start: isahc },
            Stack { title: "… with a `User-Agent` and a token by hand", start: isahc_headers },
            Stack { title: "**midil-http over isahc**", start: midil::<IsahcTransport> },
        ],
        most: 64,
    },
];

/// All that is on by default, and a token.
fn midil<T: FromSettings>(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    let mut settings = TransportSettings::default();
    settings.max_connections = CONNECTIONS;
    settings.max_keepalive_connections = CONNECTIONS;
    settings.keepalive_expiry = IDLE;
    let tokens = TokenCache::new(|| async {
        let token = AuthNToken::new(client::Task::token());
        Ok(token.with_expires_in(Duration::from_secs(3600)))
    });
    let client = HttpClient::builder(T::from_settings(&settings)?)
        .base_url(url)
        .retry(DefaultRetryStrategy::default())
        .auth(tokens)
        .build()?;
    Ok(caller(move || {
        let request = client.get(url);
        async move { Ok(request.send().await?.bytes().await?) }
    }))
}

fn bare_reqwest(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    let client = reqwest_builder().build()?;
    Ok(caller(move || {
        let request = client.get(url);
        async move { Ok(request.send().await?.bytes().await?) }
    }))
}

fn headers_by_hand(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    let client = reqwest_builder().user_agent("midil-http/0.1.0").build()?;
    let token = token()?;
    Ok(caller(move || {
        let request = client.get(url).header(AUTHORIZATION, token.clone());
        async move { Ok(request.send().await?.bytes().await?) }
    }))
}

fn middleware(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    let policy = ExponentialBackoff::builder().build_with_max_retries(2);
    let client = reqwest_middleware::ClientBuilder::new(reqwest_builder().build()?)
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .build();
    let token = token()?;
    Ok(caller(move || {
        let request = client.get(url).header(AUTHORIZATION, token.clone());
        async move { Ok(request.send().await?.bytes().await?) }
    }))
}

fn tower(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    let client = reqwest_builder().build()?;
    let stack = ServiceBuilder::new().retry(Twice(0)).timeout(TIMEOUT).service(client.clone());
    let token = token()?;
    Ok(caller(move || {
        let request = client.get(url).header(AUTHORIZATION, token.clone()).build();
        let stack = stack.clone();
        async move { Ok(stack.oneshot(request?).await?.bytes().await?) }
    }))
}

/// Retries 5xx and errors two times, at once.
#[derive(Clone)]
struct Twice(u32);

impl<E> tower::retry::Policy<reqwest::Request, reqwest::Response, E> for Twice {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut reqwest::Request,
        result: &mut Result<reqwest::Response, E>,
    ) -> Option<Self::Future> {
        let failed = result.as_ref().map_or(true, |response| response.status().is_server_error());
        self.0 += 1;
        (failed && self.0 <= 2).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &reqwest::Request) -> Option<reqwest::Request> {
        request.try_clone()
    }
}

fn hyper_util(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    hyper_util_with(url, HeaderMap::new())
}

fn hyper_util_headers(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    hyper_util_with(url, headers()?)
}

fn hyper_util_with(url: &'static str, headers: HeaderMap) -> Result<Box<dyn Caller>, BoxError> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(CONNECTIONS)
        .pool_idle_timeout(IDLE)
        .build::<_, Empty<Bytes>>(connector);
    Ok(caller(move || {
        let client = client.clone();
        let mut request = http::Request::new(Empty::new());
        headers.clone_into(request.headers_mut());
        let uri = url.parse();
        async move {
            *request.uri_mut() = uri?;
            Ok(client.request(request).await?.into_body().collect().await?.to_bytes())
        }
    }))
}

fn isahc(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    isahc_with(url, HeaderMap::new())
}

fn isahc_headers(url: &'static str) -> Result<Box<dyn Caller>, BoxError> {
    isahc_with(url, headers()?)
}

fn isahc_with(url: &'static str, headers: HeaderMap) -> Result<Box<dyn Caller>, BoxError> {
    let client = isahc::HttpClient::builder()
        .connection_cache_size(CONNECTIONS)
        .connection_cache_ttl(IDLE)
        .build()?;
    Ok(caller(move || {
        let client = client.clone();
        let mut request = http::Request::get(url).body(());
        if let Ok(request) = &mut request {
            headers.clone_into(request.headers_mut());
        }
        async move { Ok(Bytes::from(client.send_async(request?).await?.bytes().await?)) }
    }))
}

/// What a client of ours sends, too.
fn headers() -> Result<HeaderMap, BoxError> {
    let agent = HeaderValue::from_static("midil-http/0.1.0");
    Ok(HeaderMap::from_iter([(USER_AGENT, agent), (AUTHORIZATION, token()?)]))
}

fn reqwest_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().pool_max_idle_per_host(CONNECTIONS).pool_idle_timeout(IDLE)
}

fn token() -> Result<HeaderValue, BoxError> {
    let mut token = HeaderValue::from_str(&client::Task::authorization())?;
    token.set_sensitive(true);
    Ok(token)
}
