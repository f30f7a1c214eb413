//! [`TransportService`]: any transport as a service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use tower_service::Service;
use url::Url;

use crate::{Body, BoxError, BoxFuture, BuildError, Error, Transport, origin};

/// A [`Transport`] as a `tower::Service` of [`http::Request`]: one exchange per call, without all that a client adds.
///
/// It is for those who put tower's layers below a client, with [`TowerTransport`](crate::TowerTransport) around them, and
/// for those who want a transport without a client. A client is a service by itself.
///
/// URIs must be absolute, `http` or `https`, and without userinfo. Bodies, readiness and cancel safety are those of the
/// service that [`HttpClient`](crate::HttpClient) is. Clones share the transport.
///
/// # Examples
///
/// Each attempt of a client waits for one of eight places:
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request, TowerTransport, TransportService};
/// use tower::ServiceBuilder;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), midil_http_core::Error> {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
/// let service = ServiceBuilder::new().concurrency_limit(8).service(TransportService::new(transport));
/// let client = HttpClient::builder(TowerTransport::new(service)).base_url("https://api.example.com").build()?;
/// assert_eq!(client.get("/").send().await?.text().await?, "hello");
/// # Ok(()) }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub struct TransportService<T: ?Sized>(Arc<T>);

impl<T: Transport> TransportService<T> {
    /// Makes a service of `transport`.
    #[must_use]
    pub fn new(transport: T) -> Self {
        Self(Arc::new(transport))
    }
}

/// An `Arc<dyn Transport>` is taken as it is.
impl<T: Transport + ?Sized> From<Arc<T>> for TransportService<T> {
    fn from(transport: Arc<T>) -> Self {
        Self(transport)
    }
}

impl<T, B> Service<http::Request<B>> for TransportService<T>
where
    T: Transport + ?Sized,
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
        let transport = Arc::clone(&self.0);
        Box::pin(async move {
            let request = super::request(request, url_of).await?;
            transport.send(request).await
        })
    }
}

fn url_of(uri: &Uri) -> Result<Url, BuildError> {
    let text = uri.to_string();
    if uri.scheme().is_none() {
        let problem =
            "it is no absolute URL; give all of it, or call an HttpClient that has a base_url";
        return Err(BuildError::url(&text, problem));
    }
    let url = Url::parse(&text).map_err(|error| BuildError::url(&text, error))?;
    origin::check(&url).map_err(|why| BuildError::url(&text, why))?;
    Ok(url)
}

impl<T: ?Sized> Clone for TransportService<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> fmt::Debug for TransportService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportService").finish_non_exhaustive()
    }
}
