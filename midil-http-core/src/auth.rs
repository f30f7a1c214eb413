//! [`AuthNProvider`]: where credentials come from.

mod headers;
mod secret;
mod token;

use std::sync::Arc;

use async_trait::async_trait;

pub use headers::AuthNHeaders;
pub use secret::Secret;
pub use token::AuthNToken;

use crate::{AuthError, BoxFuture, Observer, RequestHead};

/// Provides the credentials of a request.
///
/// The client asks it before every attempt, retries and redirects included, for requests to the origins that are
/// trusted with credentials and no other.
///
/// A closure without arguments that returns a future of an [`AuthNToken`] is a provider, too. It is asked for every
/// attempt; where that is dear, put a cache around it.
///
/// # For implementers
///
/// Answer from memory whenever that is possible: every attempt waits for you. Only `get_token` is required; a scheme
/// that is no bearer token, or that signs the request, overrides `get_headers`. Give credentials that can be refreshed
/// a generation ([`AuthNHeaders::with_generation`]): when the server rejects them with a 401, `invalidate` is called
/// with the headers that were rejected, `get_headers` once more, and the request is replayed once. Compare
/// generations there, so that a late 401 never drops a newer token. Where `get_headers` has nothing else to offer, let it
/// return the same headers at once: the 401 is then returned, and nothing is sent in vain.
///
/// # Cancel safety
///
/// Both futures may be dropped at any await point.
///
/// # Examples
///
/// ```
/// use midil_http_core::{AuthError, AuthNProvider, AuthNToken, async_trait};
///
/// struct ApiToken(String);
///
/// #[async_trait]
/// impl AuthNProvider for ApiToken {
///     async fn get_token(&self) -> Result<AuthNToken, AuthError> {
///         Ok(AuthNToken::new(self.0.as_str()))
///     }
/// }
/// # let token = ApiToken("abc".into());
/// # let request = midil_http_core::Request::get("https://example.com/").unwrap();
/// # let headers = futures_util::FutureExt::now_or_never(token.get_headers(request.head())).unwrap().unwrap();
/// # assert_eq!(headers.iter().next().unwrap().1, "Bearer abc");
/// ```
#[async_trait]
pub trait AuthNProvider: Send + Sync + 'static {
    /// The token that is good now.
    ///
    /// # Errors
    ///
    /// [`AuthError`] when there is none to be had. It is never retried by the client: a provider retries by itself.
    async fn get_token(&self) -> Result<AuthNToken, AuthError>;

    /// The headers that authenticate `request`: `Authorization`, made from [`get_token`](Self::get_token), by default.
    ///
    /// # Errors
    ///
    /// As [`get_token`](Self::get_token).
    async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let _ = request;
        AuthNHeaders::from_token(&self.get_token().await?)
    }

    /// Told of the observer of a client that it is given to, when that is built: for providers that have something to tell of
    /// (a fetch, say), or that ask others. Does nothing by default.
    ///
    /// Keep a [`Weak`](std::sync::Weak) of it, so that a provider keeps nothing alive.
    fn observed_by(&self, observer: &Arc<dyn Observer>) {
        let _ = observer;
    }

    /// Told that the server rejected these headers with a 401. Does nothing by default.
    fn invalidate(&self, rejected: &AuthNHeaders) {
        let _ = rejected;
    }
}

impl<F, R> AuthNProvider for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<AuthNToken, AuthError>> + Send + 'static,
{
    fn get_token<'a, 'async_trait>(
        &'a self,
    ) -> BoxFuture<'async_trait, Result<AuthNToken, AuthError>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(self())
    }
}

// Written out, not with `async_trait`, which would put a box around the box.
impl<T: AuthNProvider + ?Sized> AuthNProvider for Arc<T> {
    fn get_token<'a, 'async_trait>(
        &'a self,
    ) -> BoxFuture<'async_trait, Result<AuthNToken, AuthError>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        (**self).get_token()
    }

    fn get_headers<'a, 'r, 'async_trait>(
        &'a self,
        request: &'r RequestHead,
    ) -> BoxFuture<'async_trait, Result<AuthNHeaders, AuthError>>
    where
        'a: 'async_trait,
        'r: 'async_trait,
        Self: 'async_trait,
    {
        (**self).get_headers(request)
    }

    fn observed_by(&self, observer: &Arc<dyn Observer>) {
        (**self).observed_by(observer);
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        (**self).invalidate(rejected);
    }
}
