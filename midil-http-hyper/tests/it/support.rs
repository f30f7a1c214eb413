//! What the tests share.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use http::Method;
use midil_http_core::{Body, Error, Request, Transport};
#[cfg(feature = "rustls")]
use midil_http_core::{Sent, TransportError, TransportErrorKind};
use midil_http_hyper::HyperTransport;

/// Runs a test on a tokio of its own, with workers beside its thread, so that the test may block on its server.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // A test that would hang fails instead.
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), test).await.unwrap() });
}

/// Runs a test on a single thread, so that it is known what comes first.
pub(crate) fn run_on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), test).await.unwrap() });
}

pub(crate) fn transport() -> HyperTransport {
    HyperTransport::try_new().unwrap()
}

pub(crate) fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

pub(crate) fn post(url: &str, body: impl Into<Body>) -> Request {
    request(Method::POST, url, body)
}

pub(crate) fn request(method: Method, url: &str, body: impl Into<Body>) -> Request {
    let mut request = get(url).with_body(body);
    request.head_mut().method = method;
    request
}

/// The whole body as text.
pub(crate) async fn text(response: http::Response<Body>) -> Result<String, Error> {
    let bytes = response.into_body().collect(u64::MAX).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Sends and reads to the end, as a user would see it.
pub(crate) async fn exchange(
    transport: &HyperTransport,
    request: Request,
) -> Result<String, Error> {
    text(transport.send(request).await?).await
}

#[cfg(feature = "rustls")]
pub(crate) fn transport_error(error: &Error) -> &TransportError {
    match error {
        Error::Transport(error) => error,
        other => panic!("no transport error: {other:?}"),
    }
}

/// Kind and `Sent` of a transport error.
#[cfg(feature = "rustls")]
pub(crate) fn verdict(error: &Error) -> (TransportErrorKind, Sent) {
    let error = transport_error(error);
    (error.kind(), error.sent())
}

/// Everything that can be read off an error, down to its last cause.
pub(crate) fn rendered(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n{error} {error:?}"));
        cause = error.source();
    }
    text
}
