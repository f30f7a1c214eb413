//! [`PerOrigin`]: several origins, several providers, one client.

mod builder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use midil_http_core::{
    AuthError, AuthErrorKind, AuthNHeaders, AuthNProvider, AuthNToken, Observer, RequestHead,
};
use url::{Position, Url};

pub use builder::PerOriginBuilder;

/// Asks the provider of the request's origin: scheme, host and port, as a URL parser normalises them.
///
/// Origins that are not named are the fallback's; where there is none, such a request fails. A rejection is told to the
/// provider whose credentials were rejected, and to no other. Clones share their providers.
///
/// This is who answers, not who is asked for: a client sends credentials to the origin of its base URL and to those that
/// [`auth_origin`](midil_http_core::HttpClientBuilder::auth_origin) names. Name the others there, too.
///
/// One `PerOrigin` may stand in another. Wrapped into a provider that makes headers of its own, it takes rejections for
/// those of its fallback: let wrappers keep [`AuthNHeaders::route`].
///
/// # Examples
///
/// ```
/// use midil_auth::{ApiKey, PerOrigin, StaticToken};
/// use midil_http_core::{HttpClient, Request};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let transport = |request: Request| async move {
///     let orders = request.url().host_str() == Some("orders.example.com");
///     assert_eq!(request.headers().contains_key("authorization"), orders);
///     assert_eq!(request.headers().contains_key("x-api-key"), !orders);
///     Ok(http::Response::default())
/// };
/// let credentials = PerOrigin::builder()
///     .origin("https://orders.example.com", StaticToken::try_new("abc")?)
///     .origin("https://stock.example.com", ApiKey::try_new("x-api-key", "hunter2")?)
///     .build()?;
///
/// let client = HttpClient::builder(transport)
///     .base_url("https://orders.example.com")
///     .auth_origin("https://stock.example.com")
///     .auth(credentials)
///     .build()?;
/// client.get("/orders/7").send().await?;
/// client.get("https://stock.example.com/bolts").send().await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct PerOrigin(Arc<Providers>);

/// A place is which provider: 0 is the fallback, and the headers of whoever keeps no route; `named` come after it.
struct Providers {
    /// In the order of their origins.
    named: Vec<Named>,
    fallback: Option<Arc<dyn AuthNProvider>>,
    /// How many places there are.
    places: u32,
}

struct Named {
    origin: String,
    place: u32,
    provider: Arc<dyn AuthNProvider>,
}

impl PerOrigin {
    /// Nobody is asked yet.
    #[must_use]
    pub fn builder() -> PerOriginBuilder {
        PerOriginBuilder::default()
    }
}

impl Providers {
    /// Who answers for this URL. Userinfo makes its origin another.
    fn of(&self, url: &Url) -> Result<(u32, &dyn AuthNProvider), AuthError> {
        let origin = &url[..Position::AfterPort];
        if let Ok(at) = self.named.binary_search_by(|named| named.origin.as_str().cmp(origin)) {
            let named = &self.named[at];
            return Ok((named.place, &*named.provider));
        }
        match &self.fallback {
            Some(fallback) => Ok((0, &**fallback)),
            None => Err(nobody(url)),
        }
    }

    fn at(&self, place: u32) -> Option<&dyn AuthNProvider> {
        match place.checked_sub(1) {
            None => self.fallback.as_deref(),
            Some(index) => {
                let named = self.named.get(usize::try_from(index).ok()?)?;
                Some(&*named.provider)
            }
        }
    }
}

fn nobody(url: &Url) -> AuthError {
    let scheme = &url[..Position::BeforeUsername];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let problem = format!(
        "there is no provider for {scheme}{host}: name one with PerOrigin::origin, or set PerOrigin::fallback"
    );
    AuthError::new(AuthErrorKind::Configuration, problem)
}

#[async_trait]
impl AuthNProvider for PerOrigin {
    /// The fallback's: a token alone is for no origin.
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        match &self.0.fallback {
            Some(fallback) => fallback.get_token().await,
            None => Err(AuthError::new(
                AuthErrorKind::Configuration,
                "PerOrigin cannot tell whose token is wanted: use get_headers, which sees the request, or set PerOrigin::fallback",
            )),
        }
    }

    async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let (place, provider) = self.0.of(&request.url)?;
        let headers = provider.get_headers(request).await?;
        // The provider may have a route of its own, being a PerOrigin: it is kept, above the place.
        let route = headers.route().checked_mul(self.0.places);
        let route = route.and_then(|route| route.checked_add(place)).ok_or_else(|| {
            let problem =
                "the provider's own AuthNHeaders::route is too large for a PerOrigin: count from 0";
            AuthError::new(AuthErrorKind::Configuration, problem)
        })?;
        Ok(headers.with_route(route))
    }

    fn observed_by(&self, observer: &Arc<dyn Observer>) {
        let named = self.0.named.iter().map(|named| &named.provider);
        named.chain(&self.0.fallback).for_each(|provider| provider.observed_by(observer));
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        let (route, places) = (rejected.route(), self.0.places);
        if let Some(provider) = self.0.at(route % places) {
            provider.invalidate(&rejected.clone().with_route(route / places));
        }
    }
}

impl fmt::Debug for PerOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins: Vec<_> = self.0.named.iter().map(|named| &named.origin).collect();
        f.debug_struct("PerOrigin")
            .field("origins", &origins)
            .field("fallback", &self.0.fallback.is_some())
            .finish_non_exhaustive()
    }
}
