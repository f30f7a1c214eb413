//! [`RequestBuilder`].

mod content;
mod head;
mod settings;
mod validate;

use std::fmt;

use super::{HttpClient, Response};
use crate::body::Observer;
use crate::middleware::CallValidations;
use crate::{BuildError, CallSettings, Error, Request};

/// Builds one request. The first error is kept, and reported when the request is built or sent.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |request: Request| async move { Ok(http::Response::new(request.into_body())) };
/// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let response = client
///     .post("/users")
///     .query(&[("notify", "yes")])
///     .header("x-request-id", "req_123")
///     .json(&["Ada"])
///     .idempotency_key("order-17")
///     .timeout(Duration::from_secs(5))
///     .send()
///     .await?;
/// # assert_eq!(response.text().await?, "[\"Ada\"]");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    client: HttpClient,
    request: Result<Request, Error>,
    upload_observer: Option<Observer>,
}

impl RequestBuilder {
    pub(super) const fn new(client: HttpClient, request: Result<Request, Error>) -> Self {
        Self { client, request, upload_observer: None }
    }

    /// The request, and the client that is to send it.
    pub(super) fn into_parts(self) -> (HttpClient, Result<Request, Error>) {
        (self.client.clone(), self.build())
    }

    /// Changes the request, unless an error came before.
    fn change(mut self, change: impl FnOnce(&mut Request) -> Result<(), BuildError>) -> Self {
        if let Ok(request) = &mut self.request
            && let Err(error) = change(request)
        {
            self.request = Err(error.into());
        }
        self
    }

    fn set(self, set: impl FnOnce(&mut CallSettings)) -> Self {
        self.change(|request| {
            let mut settings = request.extensions_mut().remove().unwrap_or_default();
            set(&mut settings);
            request.extensions_mut().insert(settings);
            Ok(())
        })
    }

    /// Sends `value` along: middleware, hooks of a retry and the transport find it in the request's extensions, on every
    /// attempt.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request, Transport};
    ///
    /// #[derive(Clone)]
    /// struct Tenant(u32);
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let transport = |request: Request| async move {
    ///     let tenant = request.extensions().get::<Tenant>().map_or(0, |tenant| tenant.0);
    ///     Ok(http::Response::new(Body::from(tenant.to_string())))
    /// };
    /// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// assert_eq!(client.get("/").extension(Tenant(7)).send().await?.text().await?, "7");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn extension<T: Clone + Send + Sync + 'static>(self, value: T) -> Self {
        self.change(|request| {
            request.extensions_mut().insert(value);
            Ok(())
        })
    }

    /// The request, to be sent with [`HttpClient::execute`]. Base headers and credentials are put on as it is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] for the first thing that was wrong.
    pub fn build(mut self) -> Result<Request, Error> {
        self.observe();
        self.request
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::Build`] before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the exchange and frees what it held; a retry token that was taken stays spent.
    pub async fn send(mut self) -> Result<Response, Error> {
        self.observe();
        let raises = self.request.as_ref().is_ok_and(raises_for_status);
        // By reference: a request that is moved into a variable of its own takes its room in this future twice.
        let answer = match &mut self.request {
            Ok(request) => match CallValidations::of(request.head()) {
                None => self.client.0.send(request).await,
                Some(validations) => self.client.0.send_validated(request, validations).await,
            },
            Err(_) => Err(Error::Closed), // the error itself is returned right below
        };
        let request = self.request?;
        let response = Response::new(answer?, request, self.client.0.max_response_bytes);
        if raises { Box::pin(response.error_for_status()).await } else { Ok(response) }
    }
}

/// Whether a 4xx or 5xx is to be an error of the call.
fn raises_for_status(request: &Request) -> bool {
    request.head().settings().and_then(|settings| settings.raise_for_status).unwrap_or(false)
}

fn too_many_headers() -> BuildError {
    BuildError::new("headers", "are too many for one request: send fewer")
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}
