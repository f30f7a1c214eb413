//! [`ClientCredentialsBuilder`].

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use midil_http_core::{
    BuildError, DefaultRuntime, Error, Random, Runtime, Transport, credential_url,
};
use url::Url;

use super::ClientCredentials;
use super::endpoint::TokenEndpoint;
use super::grant::{ClientAuthMethod, Grant};
use super::shown::Shown;
use crate::cache::{FETCH_TIMEOUT, TokenCache, check_fetch_timeout};
use crate::secret_source::SecretSource;

const USER_AGENT: &str = concat!("midil-auth/", env!("CARGO_PKG_VERSION"));

/// Fields of the form that have methods of their own.
const RESERVED: [&str; 6] =
    ["grant_type", "client_id", "client_secret", "scope", "audience", "resource"];

/// Builds [`ClientCredentials`], or what is made of them ([`CognitoClientCredentialsAuthenticator`]).
///
/// Required: `token_url`, `client_id`, `client_secret`. All that is wrong is told by [`build`](Self::build).
///
/// [`CognitoClientCredentialsAuthenticator`]: crate::CognitoClientCredentialsAuthenticator
///
/// # Examples
///
/// ```
/// use midil_auth::{ClientAuthMethod, ClientCredentials, SecretSource};
/// # use midil_http_core::{Body, Request};
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
///
/// let credentials = ClientCredentials::builder(transport)
///     .token_url("https://login.example.com/token")
///     .client_id("reports")
///     .client_secret(SecretSource::file("/var/run/secrets/reports"))
///     .auth_method(ClientAuthMethod::Post)
///     .scopes(["orders/read", "orders/write"])
///     .resource("https://api.example.com")
///     .parameter("tenant", "17")
///     .build()?;
///
/// let missing = ClientCredentials::builder(transport).client_id("reports").build().unwrap_err();
/// assert_eq!(missing.to_string(), "token_url is not set: give the https URL of the token endpoint");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
pub struct ClientCredentialsBuilder<P = ClientCredentials> {
    transport: Arc<dyn Transport>,
    pub(crate) token_url: Option<Result<Url, BuildError>>,
    client_id: String,
    client_secret: Option<SecretSource>,
    scopes: Vec<String>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) client_metadata: BTreeMap<String, String>,
    headers: HeaderMap,
    method: ClientAuthMethod,
    fetch_timeout: Duration,
    runtime: Arc<dyn Runtime>,
    seed: Option<u64>,
    #[cfg(feature = "store")]
    store: Option<Arc<dyn crate::TokenStore>>,
    error: Option<BuildError>,
    product: PhantomData<fn() -> P>,
}

impl<P> ClientCredentialsBuilder<P> {
    pub(crate) fn new(transport: impl Transport) -> Self {
        Self {
            transport: Arc::new(transport),
            token_url: None,
            client_id: String::new(),
            client_secret: None,
            scopes: Vec::new(),
            fields: Vec::new(),
            client_metadata: BTreeMap::new(),
            headers: HeaderMap::new(),
            method: ClientAuthMethod::default(),
            fetch_timeout: FETCH_TIMEOUT,
            runtime: Arc::new(DefaultRuntime::new()),
            seed: None,
            #[cfg(feature = "store")]
            store: None,
            error: None,
            product: PhantomData,
        }
    }

    /// The token endpoint: https, unless it is on this machine.
    #[must_use]
    pub fn token_url(mut self, url: impl AsRef<str>) -> Self {
        self.token_url = Some(credential_url("token_url", url.as_ref()));
        self
    }

    /// Who we are.
    #[must_use]
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = id.into();
        self
    }

    /// How we prove it: a value, or a [`SecretSource`].
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<SecretSource>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// How the secret is sent: [`ClientAuthMethod::Basic`] by default.
    #[must_use]
    pub const fn auth_method(mut self, method: ClientAuthMethod) -> Self {
        self.method = method;
        self
    }

    /// One scope more that the token is to have; several in one text are separated by spaces.
    #[must_use]
    pub fn scope(mut self, scope: impl AsRef<str>) -> Self {
        self.scopes.extend(scope.as_ref().split(' ').filter(|s| !s.is_empty()).map(str::to_owned));
        self
    }

    /// Scopes, as [`scope`](Self::scope) for each.
    #[must_use]
    pub fn scopes<S: AsRef<str>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        scopes.into_iter().fold(self, Self::scope)
    }

    /// Whom the token is for, as Auth0 and others ask for it (`audience`).
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.field("audience", audience.into())
    }

    /// Whom the token is for (`resource`, [RFC 8707]); repeats.
    ///
    /// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.field("resource", resource.into())
    }

    /// One more field of the form, for what the authority wants besides; repeats.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        if RESERVED.contains(&name.as_str()) {
            let problem = "is set by a method of its own name: use that";
            self.note(BuildError::new(format!("parameter {name}"), problem));
        }
        self.field(name, value.into())
    }

    /// One more header of the token request. Values are marked sensitive.
    #[must_use]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let name = name.as_ref();
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value.as_ref()));
        match parsed {
            (Ok(name), _) if name == header::AUTHORIZATION => {
                let problem = "is made of client_id and client_secret: use auth_method";
                self.note(BuildError::new("header authorization", problem));
            }
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                self.headers.append(name, value);
            }
            (Ok(name), Err(_)) => {
                let problem =
                    "has a value with characters that no header can hold: use visible ASCII";
                self.note(BuildError::new(format!("header {name}"), problem));
            }
            // A whole line may have been given for a name: nothing of it is repeated.
            (Err(_), _) => {
                let problem = "has characters that no name can have: use letters, digits and -";
                self.note(BuildError::new("a header's name", problem));
            }
        }
        self
    }

    /// The longest that a fetch may take, its attempts and waits included: 10 s by default.
    #[must_use]
    pub const fn fetch_timeout(mut self, limit: Duration) -> Self {
        self.fetch_timeout = limit;
        self
    }

    /// Where time comes from and fetches run: [`DefaultRuntime`] by default. Give it the client's, if there is one.
    #[must_use]
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// Jitter that can be repeated.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Shares the token with every process that uses the same store for the same credential: one of them fetches, all use it.
    ///
    /// A credential is the token endpoint, the client and its secret, and all that is asked for: scopes, audience, resources,
    /// parameters, in the order of the asking, and the [headers](Self::header) that were set here, whatever they say. So a header
    /// that chooses a tenant keeps its token apart, and one that differs from host to host keeps hosts from sharing.
    /// The [method](Self::auth_method) of proving it does not count.
    ///
    /// The store sees sealed bytes ([`TokenStore`](crate::TokenStore)). Where it is slow or down, each process fetches for
    /// itself: a fetch waits for it for 100 ms at most, before it and after it. A refresher that crashes delays the others
    /// by five seconds, or by half of a [`fetch_timeout`](Self::fetch_timeout) that is below ten: then they fetch beside it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_auth::{ClientCredentials, MemoryTokenStore};
    /// # use midil_http_core::{Body, Request};
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    ///
    /// let store = MemoryTokenStore::new(); // or RedisTokenStore::try_new("rediss://…")?
    /// let credentials = ClientCredentials::builder(transport)
    ///     .token_url("https://login.example.com/token")
    ///     .client_id("reports")
    ///     .client_secret("hunter2")
    ///     .store(store)
    ///     .build()?;
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    #[cfg(feature = "store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store")))]
    #[must_use]
    pub fn store(mut self, store: impl crate::TokenStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    fn field(mut self, name: impl Into<String>, value: String) -> Self {
        self.fields.push((name.into(), value));
        self
    }

    /// Keeps the first of all problems.
    pub(crate) fn note(&mut self, error: BuildError) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn finish(self) -> Result<ClientCredentials, Error> {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        check_fetch_timeout(self.fetch_timeout)?;
        let missing =
            |setting: &str, remedy: &str| BuildError::new(setting, format!("is not set: {remedy}"));
        let url = self
            .token_url
            .ok_or_else(|| missing("token_url", "give the https URL of the token endpoint"))??;
        if self.client_id.is_empty() {
            return Err(missing("client_id", "give the id that the authority knows you by").into());
        }
        let secret = self
            .client_secret
            .ok_or_else(|| missing("client_secret", "give the secret, or a SecretSource of it"))?;
        if secret.value().is_some_and(|secret| secret.expose().is_empty()) {
            return Err(BuildError::new("client_secret", "is empty: give the secret").into());
        }
        let mut fields = self.fields;
        if !self.scopes.is_empty() {
            check_scopes(&self.scopes)?;
            fields.push(("scope".to_owned(), self.scopes.join(" ")));
        }
        #[cfg(feature = "store")]
        let own_headers = self.headers.clone();
        let mut headers = self.headers;
        for (name, value) in [
            (header::ACCEPT, "application/json"),
            (header::USER_AGENT, USER_AGENT),
            (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        ] {
            if name == header::CONTENT_TYPE || !headers.contains_key(&name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let shown = Shown::of(&url);
        let random = || self.seed.map_or_else(Random::new, Random::seeded);
        let grant = Grant { url, client_id: self.client_id, method: self.method, fields, headers };
        #[cfg(feature = "store")]
        let (credential, shared_secret) = (grant.credential(&own_headers), secret.clone());
        let source = Arc::new(TokenEndpoint {
            transport: self.transport,
            runtime: Arc::clone(&self.runtime),
            random: random(),
            grant,
            secret,
            fetch_timeout: self.fetch_timeout,
        });
        #[cfg(feature = "store")]
        let source: Arc<dyn midil_http_core::AuthNProvider> = match self.store {
            Some(store) => Arc::new(crate::store::SharedTokens::new(
                source,
                store,
                credential,
                shared_secret,
                Arc::clone(&self.runtime),
                self.fetch_timeout,
            )),
            None => source,
        };
        let mut cache = TokenCache::builder(source)
            .name(shown.to_string())
            .fetch_timeout(self.fetch_timeout)
            .runtime(self.runtime);
        if let Some(seed) = self.seed {
            cache = cache.seed(seed);
        }
        Ok(ClientCredentials { cache: cache.build()?, shown })
    }
}

impl ClientCredentials {
    /// Begins with the transport that token requests go over.
    pub fn builder(transport: impl Transport) -> ClientCredentialsBuilder {
        ClientCredentialsBuilder::new(transport)
    }
}

impl ClientCredentialsBuilder {
    /// Makes the provider. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting: one that is missing or empty, a `token_url` that is no https URL, a scope or
    /// header with characters that it cannot have, a `parameter` with a method of its own, a `fetch_timeout` of zero.
    pub fn build(self) -> Result<ClientCredentials, Error> {
        self.finish()
    }
}

/// RFC 6749, section 3.3: visible ASCII but for `"` and `\`.
fn check_scopes(scopes: &[String]) -> Result<(), BuildError> {
    let fits = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    match scopes.iter().find(|scope| !scope.chars().all(fits)) {
        Some(scope) => Err(BuildError::new(
            format!("scope \"{}\"", scope.escape_debug()),
            "has characters that no scope can have: use visible ASCII without quotes and backslashes",
        )),
        None => Ok(()),
    }
}

impl<P> fmt::Debug for ClientCredentialsBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentialsBuilder")
            .field("scopes", &self.scopes)
            .field("auth_method", &self.method)
            .field("fetch_timeout", &self.fetch_timeout)
            .finish_non_exhaustive()
    }
}
