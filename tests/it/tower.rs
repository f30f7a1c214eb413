//! Both ways between tower and us: a client and transports as services, services as transports.
#![cfg(all(feature = "tower", feature = "reqwest", feature = "retry", feature = "auth"))]

mod bodies;
mod client;
#[cfg(feature = "hyper")]
mod conformance;
mod layers;
mod sockets;
mod transports;

use http::Request as HttpRequest;
use midil_http::{Body, Error, HttpClient};
use midil_http_test::{MockTransport, Reply};
use tower::{Service, ServiceExt};

use crate::support::over;

/// A client of a mock that answers what it is asked.
fn echoing() -> (HttpClient, MockTransport) {
    let mock = MockTransport::always(Reply::from_fn(|request| {
        Ok(http::Response::new(Body::from(request.body().clone())))
    }));
    (over(mock.clone()).build().unwrap(), mock)
}

/// Sends a GET through a service.
async fn get<S>(service: S, uri: &str) -> Result<http::Response<Body>, S::Error>
where
    S: Service<HttpRequest<String>, Response = http::Response<Body>>,
{
    service.oneshot(HttpRequest::get(uri).body(String::new()).unwrap()).await
}

async fn text(response: http::Response<Body>) -> Result<String, Error> {
    let bytes = response.into_body().collect(1 << 20).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
