//! [`Provider`]: tokens from the endpoint, by a cache that can be made anew.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use midil_http::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, ClientCredentials, Error, Observer,
    RequestHead, Transport, async_trait,
};

use crate::servers::Servers;
use crate::tokens::{Asking, CLIENT_SECRET};

/// A cache of tokens fetches at once for 31 rejections in a row, and then less often: more than that would make what becomes of a
/// call depend on the others.
#[derive(Clone)]
pub(crate) struct Provider {
    current: Arc<RwLock<ClientCredentials>>,
    transport: Arc<dyn Transport>,
    token_url: String,
    asking: Asking,
    observer: Arc<Mutex<Option<Weak<dyn Observer>>>>,
}

impl Provider {
    pub(crate) fn new(
        transport: &Arc<dyn Transport>,
        servers: &Servers,
        asking: Asking,
    ) -> Result<Self, Error> {
        let token_url = format!("{}/token", servers.token.url());
        let current = Arc::new(RwLock::new(credentials(transport, &token_url, asking)?));
        let (transport, observer) = (Arc::clone(transport), Arc::default());
        Ok(Self { current, transport, token_url, asking, observer })
    }

    /// Begins with another cache.
    pub(crate) fn renew(&self) -> Result<(), Error> {
        let credentials = credentials(&self.transport, &self.token_url, self.asking)?;
        let observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(observer) = observer.and_then(|observer| observer.upgrade()) {
            credentials.observed_by(&observer);
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = credentials;
        Ok(())
    }

    fn current(&self) -> ClientCredentials {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn credentials(
    transport: &Arc<dyn Transport>,
    url: &str,
    asking: Asking,
) -> Result<ClientCredentials, Error> {
    ClientCredentials::builder(Arc::clone(transport))
        .token_url(url)
        .client_id(asking.id())
        .client_secret(CLIENT_SECRET)
        .build()
}

#[async_trait]
impl AuthNProvider for Provider {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.current().get_token().await
    }

    async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        self.current().get_headers(request).await
    }

    fn observed_by(&self, observer: &Arc<dyn Observer>) {
        let mut known = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        // One is enough: the first client's, which lives longest.
        if known.as_ref().and_then(Weak::upgrade).is_none() {
            *known = Some(Arc::downgrade(observer));
        }
        self.current().observed_by(observer);
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        self.current().invalidate(rejected);
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("token_url", &self.token_url).finish_non_exhaustive()
    }
}
