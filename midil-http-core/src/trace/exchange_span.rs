//! [`ExchangeSpan`]: a client span for each exchange, for those who have no client.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use async_trait::async_trait;

use super::client_span::{self, Open, Role};
use super::{Recorded, TraceSettings};
use crate::{Body, Error, Middleware, Next, Request};

/// A middleware that makes each exchange a client span, by OpenTelemetry's names.
///
/// A client has [`TraceSettings::exchange_spans`], which is the same code. This is for a transport that is used without one:
/// `MiddlewareTransport::new(transport, ExchangeSpan::default())`. Token requests of `midil-auth` have such spans.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, ExchangeSpan, MiddlewareTransport, Request, TraceSettings, Transport};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let span = ExchangeSpan::new(TraceSettings::new().query_parameters(["page"]));
/// let transport = MiddlewareTransport::new(transport, span);
/// transport.send(Request::get("https://api.example.com/users?page=2")?).await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct ExchangeSpan(Arc<Recorded>);

impl ExchangeSpan {
    /// Spans that record what `settings` say.
    #[must_use]
    pub fn new(settings: TraceSettings) -> Self {
        Self(Arc::new(settings.compile()))
    }
}

/// In a request's extensions: how often the call of it was sent before. A loop that resends without a client says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resends(pub(crate) u32);

#[async_trait]
impl Middleware for ExchangeSpan {
    async fn handle(
        &self,
        request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        let resends = request.extensions().get().map_or(0, |Resends(number)| *number);
        let span = client_span::begin(&self.0, Role::Exchange, request.head(), resends);
        client_span::sending(&span, &self.0, &request);
        let open = Open::new(&span);
        let mut exchange = Box::pin(next.run(request));
        let outcome = poll_fn(|cx| span.in_scope(|| exchange.as_mut().poll(cx))).await;
        open.close();
        client_span::end(&span, &self.0, &outcome);
        outcome
    }
}

impl fmt::Debug for ExchangeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExchangeSpan")
    }
}
