//! Both ways between this crate and `tower`: [`HttpClient`](crate::HttpClient) and transports as services, services as
//! transports.
//!
//! A blanket implementation over all transports would be one over all types; so a transport becomes a service by a wrapper,
//! and the client, which is one type, by itself.

mod client;
mod failure;
mod tower_transport;
mod transport_service;

use std::time::Instant;

use http::Uri;
use url::Url;

pub use tower_transport::TowerTransport;
pub use transport_service::TransportService;

use crate::{Body, BoxError, BuildError, Error, Request, RequestHead};

/// A deadline on its way through services, which know no [`RequestHead::deadline`].
#[derive(Clone, Copy)]
struct CarriedDeadline(Instant);

/// A request of ours: `url_of` says what its URI means.
async fn request<B>(
    request: http::Request<B>,
    url_of: impl FnOnce(&Uri) -> Result<Url, BuildError>,
) -> Result<Request, Error>
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (mut parts, body) = request.into_parts();
    let url = url_of(&parts.uri)?;
    let deadline = parts.extensions.remove::<CarriedDeadline>();
    let http::request::Parts { method, version, headers, extensions, .. } = parts;
    let deadline = deadline.map(|CarriedDeadline(at)| at);
    let head = RequestHead { method, url, version, headers, extensions, deadline };
    Ok(Request::from_parts(head, Body::of_request(body).await))
}
