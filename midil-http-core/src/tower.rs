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

use url::Url;

pub use tower_transport::TowerTransport;
pub use transport_service::TransportService;

use crate::{Body, BoxError, Request, RequestHead};

/// A deadline on its way through services, which know no [`RequestHead::deadline`].
#[derive(Clone, Copy)]
struct CarriedDeadline(Instant);

/// A request of ours: `url` is what its URI was found to mean.
async fn request<B>(mut parts: http::request::Parts, url: Url, body: B) -> Request
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let deadline = parts.extensions.remove::<CarriedDeadline>();
    let http::request::Parts { method, version, headers, extensions, .. } = parts;
    let deadline = deadline.map(|CarriedDeadline(at)| at);
    let head = RequestHead { method, url, version, headers, extensions, deadline };
    Request::from_parts(head, Body::of_request(body).await)
}
