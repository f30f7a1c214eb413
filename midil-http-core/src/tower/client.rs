//! [`HttpClient`] as a service.

use std::task::{Context, Poll};

use http::Uri;
use tower_service::Service;
use url::Url;

use crate::{Body, BoxError, BoxFuture, BuildError, Error, HttpClient};

/// A client is a service: what is sent through it goes the whole way of a call, with retries, credentials and timeouts.
///
/// **URLs.** A URI without a host is appended to the client's base URL, an absolute one must be allowed, as with
/// [`HttpClient::request`]. Method, version, headers and extensions are kept, [`CallSettings`](crate::CallSettings) among the
/// latter; so are those of the response.
///
/// **Bodies.** Any [`http_body::Body`] will do. A [`Body`] of ours stays what it is. One of a known length that hands over
/// all it has at once (`Full`, `String`, small bodies of servers) becomes bytes, and can be sent again; any other is sent again only
/// as long as nobody has read from it.
///
/// **Readiness.** It is always ready: what a call has to wait for, it waits for in its future. A layer that counts calls
/// (`concurrency_limit`) counts them up to the response's head; limits that hold to the end of the body are middleware.
///
/// **Cancel safety.** Nothing happens before the future is polled; dropping it aborts the exchange.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let transport = |request: Request| async move { Ok(http::Response::new(Body::from(request.url().to_string()))) };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com/v1").build()?;
///
/// let service = ServiceBuilder::new().concurrency_limit(8).timeout(Duration::from_secs(5)).service(client);
/// let request = http::Request::get("/users?limit=10").body(String::new())?;
/// let response = service.oneshot(request).await?;
/// # assert_eq!(response.into_body().collect(1024).await?, "https://api.example.com/v1/users?limit=10");
/// # Ok(()) }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
impl<B> Service<http::Request<B>> for HttpClient
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Service::call(&mut &*self, request)
    }
}

/// The same by reference, for those who share a client: see the implementation for [`HttpClient`] itself.
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
impl<B> Service<http::Request<B>> for &HttpClient
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let client = HttpClient::clone(self);
        Box::pin(async move {
            let request = super::request(request, |uri| url_of(&client, uri)).await?;
            client.execute(request).await.map(crate::Response::into_http)
        })
    }
}

/// The URL that a URI means to `client`.
fn url_of(client: &HttpClient, uri: &Uri) -> Result<Url, BuildError> {
    let text = uri.to_string();
    if uri.scheme().is_some() {
        return client.resolve(&text);
    }
    if uri.authority().is_some() {
        let problem = "it names a host without a scheme; begin with https://, or with the path";
        return Err(BuildError::url(&text, problem));
    }
    if text == "*" {
        return Err(BuildError::url(&text, "it means the server itself; name a path"));
    }
    client.resolve(&text)
}
