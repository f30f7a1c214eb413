//! The number of a request within its call, in a header: what a server does depends on it, and not on who comes first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderName, HeaderValue};
use midil_http::{Body, Error, Next, Request};

use crate::servers::NUMBER;

/// Counts the requests of one call, of all its hops and pages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Number(Arc<AtomicU32>);

/// Attempt middleware, outside of hedges: a request and its hedge have the same number.
pub(crate) async fn number(
    mut request: Request,
    next: Next<'_>,
) -> Result<http::Response<Body>, Error> {
    if let Some(Number(count)) = request.head().extensions.get() {
        let number = 1 + count.fetch_add(1, Ordering::Relaxed);
        let header = HeaderName::from_static(NUMBER);
        request.headers_mut().insert(header, HeaderValue::from(number));
    }
    next.run(request).await
}
