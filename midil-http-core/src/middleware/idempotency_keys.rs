//! [`IdempotencyKeys`]: a key for each call that a server must do once.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, Method};

use super::ids::{self, Generator};
use crate::request::IDEMPOTENCY_KEY;
use crate::{Body, CallSettings, Error, Middleware, Next, Request};

/// Gives each POST and PATCH an `Idempotency-Key`: one per call, the same on each attempt, redirect, replay after a 401 and
/// hedge.
///
/// A server that knows keys does a call once, however often it arrives; so a call with a key
/// [is idempotent](crate::RequestHead::is_idempotent), and retried as such: after a timeout or a 503, too. Add it for servers
/// that know keys alone. To any other, what is sent twice is done twice.
///
/// Add it as call middleware ([`HttpClientBuilder::middleware`](crate::HttpClientBuilder::middleware)). As attempt middleware
/// it would give each attempt another key, which is the opposite of what a key is for: a request that has a retry strategy
/// below it must have its key before.
///
/// | | by default |
/// |---|---|
/// | header | `idempotency-key` |
/// | methods | POST and PATCH, which are not idempotent by themselves |
/// | key | a random UUID (version 4), from the [generator](Next::random) of the client |
/// | form | as it is, which is what Stripe and others ask for; [`quoted`](Self::quoted) is that of the IETF's draft |
/// | a request that has a key already | keeps it: [`RequestBuilder::idempotency_key`](crate::RequestBuilder::idempotency_key) |
/// | a redirect to another origin that is allowed | takes it along, as any header of the request's own: it is the same call, and no secret |
/// | a request that says `.idempotent(false)` | has a key, and is not retried |
///
/// A key lives as long as its call. For one that survives a crash, keep a key of your own with the order that it is for.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, IdempotencyKeys, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     assert_eq!(request.headers().contains_key("idempotency-key"), request.method() == "POST");
///     assert!(request.head().is_idempotent());
///     Ok(http::Response::new(Body::empty()))
/// };
/// let client =
///     HttpClient::builder(transport).base_url("https://api.example.com").middleware(IdempotencyKeys::new()).build()?;
/// client.post("/payments").json(&["10 EUR"]).send().await?;
/// client.get("/payments").send().await?;
///
/// let for_posts_alone = IdempotencyKeys::new().methods([http::Method::POST]).quoted();
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct IdempotencyKeys {
    header: HeaderName,
    methods: Vec<Method>,
    generator: Option<Generator>,
    quoted: bool,
}

impl IdempotencyKeys {
    /// UUIDs, for POST and PATCH.
    #[must_use]
    pub fn new() -> Self {
        let methods = vec![Method::POST, Method::PATCH];
        Self { header: IDEMPOTENCY_KEY, methods, generator: None, quoted: false }
    }

    /// The same in another header, which counts as a key all the same.
    #[must_use]
    pub fn header(self, header: HeaderName) -> Self {
        Self { header, ..self }
    }

    /// The same for these methods alone.
    #[must_use]
    pub fn methods(self, methods: impl IntoIterator<Item = Method>) -> Self {
        Self { methods: methods.into_iter().collect(), ..self }
    }

    /// The same with keys of the caller's making. What cannot stand in a header is an [`Error::Build`] of the call.
    #[must_use]
    pub fn generator(self, generator: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { generator: Some(Arc::new(generator)), ..self }
    }

    /// The same with keys in quotes, as [draft-ietf-httpapi-idempotency-key-header] has them: a string of [RFC 9651,
    /// section 3.3.3].
    ///
    /// A key of the caller's own is sent as it is.
    ///
    /// [draft-ietf-httpapi-idempotency-key-header]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    /// [RFC 9651, section 3.3.3]: https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3
    #[must_use]
    pub fn quoted(self) -> Self {
        Self { quoted: true, ..self }
    }

    fn key(&self, next: Next<'_>) -> Result<HeaderValue, Error> {
        const WHAT: &str = "the idempotency key";
        let key = ids::value(WHAT, self.generator.as_ref(), next)?;
        if !self.quoted {
            return Ok(key);
        }
        let refused = || ids::refused(WHAT, "cannot be quoted: give one of printable ASCII");
        let text = key.to_str().map_err(|_| refused())?;
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        HeaderValue::try_from(format!("\"{escaped}\"")).map_err(|_| refused())
    }
}

impl Default for IdempotencyKeys {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Middleware for IdempotencyKeys {
    async fn handle(
        &self,
        mut request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        let is_meant = self.methods.contains(request.method());
        if is_meant && !request.headers().contains_key(&self.header) {
            ids::put(&mut request, &self.header, self.key(next)?)?;
        }
        if is_meant && self.header != IDEMPOTENCY_KEY {
            // The retry table knows the one header alone. What the caller said of this call stands.
            let mut settings: CallSettings = request.extensions_mut().remove().unwrap_or_default();
            settings.idempotent = settings.idempotent.or(Some(true));
            request.extensions_mut().insert(settings);
        }
        next.run(request).await
    }
}

impl fmt::Debug for IdempotencyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyKeys")
            .field("header", &self.header)
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}
