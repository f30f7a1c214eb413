//! Clients, requests and credentials that are full of secrets.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use midil_http::{
    AuthNHeaders, AuthNToken, ClientAuthMethod, ClientCredentials, ClientCredentialsBuilder,
    HttpClient, HttpClientBuilder, LoggingTransport, Request, RequestBuilder, Runtime, Transport,
};
use midil_http_test::ManualRuntime;
use url::Url;

use super::logs::{all, all_of_spans};
use super::secrets::*;
use crate::support::Fixed;

pub(super) const BASE: &str = "https://api.test/v1";

/// Begins a client whose base headers and provider hold secrets, which does not retry, and logs all it can.
pub(super) fn client(transport: impl Transport, runtime: impl Runtime) -> HttpClientBuilder {
    HttpClient::builder(transport)
        .base_url(BASE)
        .header("proxy-authorization", BASIC_USER)
        .header("cookie", format!("base={COOKIE}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .auth(Fixed::new(&[("x-api-key", API_KEY), ("x-signature", TOKEN)]))
        .middleware(all())
        .attempt_middleware(all())
        .trace(all_of_spans())
        .runtime(runtime)
        .seed(7)
}

/// A request that holds one of each.
pub(super) fn request(client: &HttpClient, path: &str) -> RequestBuilder {
    client
        .post(format!("{path}?first={}#{FRAGMENT}", form_encoded(QUERY)))
        .query(&[("token", QUERY)])
        .header("authorization", TOKEN)
        .header("proxy-authorization", PASSWORD)
        .header("x-api-key", sensitive(API_KEY))
        .cookie("session", COOKIE)
        .body(BODY)
        .idempotent(true)
        .timeout(Duration::from_secs(1))
}

/// A request that somebody made without us: nothing of it is marked, and its URL has userinfo.
pub(super) fn unmarked() -> Request {
    let mut request = Request::get(url().as_str()).expect("a URL").with_body(BODY);
    for (name, value) in [
        (header::AUTHORIZATION, TOKEN),
        (header::PROXY_AUTHORIZATION, PASSWORD),
        (header::COOKIE, COOKIE),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request.headers_mut().insert("referer", HeaderValue::try_from(url().as_str()).expect("ASCII"));
    request
}

/// A URL that has all that a URL should not have.
pub(super) fn url() -> Url {
    Url::parse(&url_text("https", "api.test")).expect("a URL")
}

pub(super) fn url_text(scheme: &str, host: &str) -> String {
    format!("{scheme}://{USER}:{PASSWORD}@{host}/v1/a?token={}#{FRAGMENT}", form_encoded(QUERY))
}

/// The head of a response, with what only servers send.
pub(super) fn response() -> http::response::Builder {
    http::Response::builder()
        .status(503)
        .header("set-cookie", COOKIE)
        .header("location", url().as_str())
        .header("link", format!("<{}>; rel=next", url()))
        .header("www-authenticate", "Basic realm=here")
}

pub(super) fn sensitive(text: &'static str) -> HeaderValue {
    let mut value = HeaderValue::from_static(text);
    value.set_sensitive(true);
    value
}

pub(super) fn token() -> AuthNToken {
    AuthNToken::new(TOKEN).with_expires_in(Duration::from_secs(3600))
}

pub(super) fn headers() -> AuthNHeaders {
    AuthNHeaders::from_token(&token())
        .expect("it fits a header")
        .with(HeaderName::from_static("x-api-key"), HeaderValue::from_static(API_KEY))
}

/// Begins credentials that hold all that credentials can.
pub(super) fn credentials(
    endpoint: impl Transport,
    method: ClientAuthMethod,
    runtime: &ManualRuntime,
) -> ClientCredentialsBuilder {
    ClientCredentials::builder(LoggingTransport::new(endpoint, all()))
        .token_url(format!("https://login.test/token?key={}", form_encoded(QUERY)))
        .client_id(CLIENT_ID)
        .client_secret(CLIENT_SECRET)
        .auth_method(method)
        .parameter("password", PASSWORD)
        .header("x-api-key", API_KEY)
        .audience("https://api.test")
        .scope("orders/read")
        .runtime(runtime.clone())
        .seed(7)
}
