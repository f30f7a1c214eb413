//! [`RequestBuilder`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;

use super::{HttpClient, Response};
use crate::body::Observer;
use crate::config::positive;
use crate::header_input::header_pair;
use crate::middleware::CallValidations;
use crate::pipeline::check_resumable;
use crate::{
    Body, BoxError, BuildError, CallSettings, Error, Progress, Request, RetryChoice, RetryStrategy,
    Validation,
};

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

    /// Adds to the query string whatever serialises to pairs; a sequence as a value repeats its key.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.change(|request| {
            let more = serde_html_form::to_string(query).map_err(|error| {
                BuildError::new(
                    "the query",
                    "cannot be written as pairs of key and value: give a map, a struct or pairs",
                )
                .with_source(error)
            })?;
            if more.is_empty() {
                return Ok(());
            }
            let url = &mut request.head_mut().url;
            match url.query().filter(|query| !query.is_empty()) {
                Some(query) => {
                    let all = format!("{query}&{more}");
                    url.set_query(Some(&all));
                }
                None => url.set_query(Some(&more)),
            }
            Ok(())
        })
    }

    /// Sets a header, in place of any of that name.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.change(|request| {
            let (name, value) = header_pair(name, value)?;
            request.headers_mut().try_insert(name, value).map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Sets all of these headers, in place of any of the same names; several values of a name are kept.
    pub fn headers(self, headers: &HeaderMap) -> Self {
        self.change(|request| {
            for name in headers.keys() {
                request.headers_mut().remove(name);
            }
            for (name, value) in headers {
                let (name, value) = header_pair(name.clone(), value.clone())?;
                request.headers_mut().try_append(name, value).map_err(|_| too_many_headers())?;
            }
            Ok(())
        })
    }

    /// Adds a cookie to the request's `Cookie` header ([RFC 6265, section 4.1.1] says what may stand in one).
    ///
    /// It is sent with this call alone, in place of one of that name in the client's jar, and stays behind where a redirect
    /// leads to another origin.
    ///
    /// [RFC 6265, section 4.1.1]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
    pub fn cookie(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.change(|request| {
            let (name, value) = (name.as_ref(), value.as_ref());
            let sound = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
            if name.is_empty() || !name.bytes().all(|byte| sound(byte) && !b"()<>@:/[]?={}".contains(&byte)) {
                return Err(BuildError::new("a cookie's name", "is invalid: use letters, digits and -_.!#$%&'*+^`|~ only"));
            }
            if !value.bytes().all(sound) {
                let problem = "is invalid: it holds white space, a control character, or one of \",;\\: encode it";
                return Err(BuildError::new(format!("the value of cookie {name}"), problem));
            }
            let mut cookies: Vec<&str> =
                request.headers().get_all(header::COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()).collect();
            let cookie = format!("{name}={value}");
            cookies.push(&cookie);
            let cookie = cookies.join("; ");
            let (name, value) = header_pair(header::COOKIE, cookie)?;
            request.headers_mut().try_insert(name, value).map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Sets the body. A body that does not say what it is goes out as `application/json`: set `Content-Type` if not.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.change(|request| {
            *request.body_mut() = body.into();
            Ok(())
        })
    }

    /// Sets a JSON body, and `Content-Type: application/json` unless the request has one.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.change(|request| {
            let text = serde_json::to_vec(json).map_err(|error| {
                BuildError::new("the JSON body", "cannot be written: see the cause")
                    .with_source(error)
            })?;
            *request.body_mut() = text.into();
            default_content_type(request, "application/json")
        })
    }

    /// Sets a form as the body, and `Content-Type: application/x-www-form-urlencoded` unless the request has one.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.change(|request| {
            let text = serde_html_form::to_string(form).map_err(|error| {
                BuildError::new(
                    "the form",
                    "cannot be written as pairs of key and value: give a map, a struct or pairs",
                )
                .with_source(error)
            })?;
            *request.body_mut() = text.into();
            default_content_type(request, "application/x-www-form-urlencoded")
        })
    }

    /// Sets a form of several parts as the body, and `Content-Type: multipart/form-data` with its boundary, in place of any.
    ///
    /// # Examples
    ///
    /// See [`Form`](crate::Form).
    #[cfg(feature = "multipart")]
    pub fn multipart(self, form: crate::Form) -> Self {
        self.change(|request| {
            let content_type = form.content_type();
            *request.body_mut() = form.encode()?;
            let (name, value) = header_pair(header::CONTENT_TYPE, content_type)?;
            request.headers_mut().try_insert(name, value).map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Tells `observer` of each piece of the body that the transport takes, on each attempt anew: see
    /// [`Body::on_progress`].
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Progress, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |request: Request| async move { Ok(http::Response::new(request.into_body())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let upload = client.put("/backup").body(vec![7; 200_000]).on_upload_progress(|progress: Progress| {
    ///     println!("{} of {:?} bytes", progress.transferred(), progress.total());
    /// });
    /// # assert_eq!(upload.send().await?.bytes().await?.len(), 200_000);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn on_upload_progress(
        mut self,
        observer: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Self {
        self.upload_observer = Some(Arc::new(observer));
        self
    }

    /// Lets the observer see the body, whichever of the two was set first.
    fn observe(&mut self) {
        if let Some(observer) = self.upload_observer.take()
            && let Ok(request) = &mut self.request
        {
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = body.observed(observer);
        }
    }

    /// The longest an attempt of this call may go without progress.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|_| positive("timeout", timeout))
            .set(|settings| settings.timeout = Some(timeout))
    }

    /// The longest one attempt of this call may take, its body included.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.change(|_| positive("attempt_timeout", timeout))
            .set(|settings| settings.attempt_timeout = Some(timeout))
    }

    /// The longest this call may take, all in all.
    pub fn total_timeout(self, timeout: Duration) -> Self {
        self.change(|_| positive("total_timeout", timeout))
            .set(|settings| settings.total_timeout = Some(timeout))
    }

    /// Sends this call without credentials.
    pub fn no_auth(self) -> Self {
        self.set(|settings| settings.authenticate = Some(false))
    }

    /// Retries this call as `strategy` says, not as the client's does.
    pub fn retry(self, strategy: impl RetryStrategy) -> Self {
        let strategy = Arc::new(strategy);
        self.set(|settings| settings.retry = Some(RetryChoice::Strategy(strategy)))
    }

    /// Makes one attempt and returns what it comes to.
    pub fn no_retry(self) -> Self {
        self.set(|settings| settings.retry = Some(RetryChoice::Never))
    }

    /// Says whether sending this twice is as good as once, whatever the method says.
    pub fn idempotent(self, idempotent: bool) -> Self {
        self.set(|settings| settings.idempotent = Some(idempotent))
    }

    /// Sends an `Idempotency-Key`, the same on each attempt, which makes the call retryable.
    ///
    /// It is sent as it is given; a server that follows the IETF's draft wants it in quotes.
    /// [`IdempotencyKeys`](crate::IdempotencyKeys) makes keys for all calls of a client.
    pub fn idempotency_key<V: TryInto<HeaderValue>>(self, key: V) -> Self {
        self.header("idempotency-key", key)
    }

    /// Whether the response's body may come compressed, and is decoded.
    ///
    /// It is by default, in each encoding that a feature of this crate adds; `Content-Encoding` and `Content-Length` are
    /// then removed. A body comes as it was sent where this says no, where the request sets `Accept-Encoding` or `Range`
    /// itself or is [`resumable`](Self::resumable), in an encoding that was not asked for and is not known, and where it is a part of the whole (206).
    /// Data that is no such encoding, ends early, or has something behind its end is an [`Error::Decode`].
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |request: Request| async move {
    /// #     assert!(!request.headers().contains_key("accept-encoding"));
    /// #     Ok(http::Response::new(Body::from("as it is")))
    /// # };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let archive = client.get("/backup.tar").decompress(false).send().await?.bytes().await?;
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn decompress(self, decompress: bool) -> Self {
        self.set(|settings| settings.decompress = Some(decompress))
    }

    /// Whether a GET whose response's body breaks off goes on where it was, instead of coming to an error.
    ///
    /// The rest is asked for by `Range` and `If-Range` ([RFC 9110, section 14]): the bytes that are handed on are exactly the
    /// resource, or there is an error. So the response needs a strong validator (an `ETag` that is not weak, or a
    /// `Last-Modified` that is older than its `Date`) and a server that does not say `Accept-Ranges: none`; without, it
    /// breaks off as it would have. A call for a single range is resumed within it.
    ///
    /// **When.** Each resumption is a retry: the strategy of the call decides, with what the body broke off with as the
    /// outcome; its backoff is waited for, its hooks are told, its budget pays, and what is sent goes the way of every
    /// attempt, with credentials of its own. Attempts go on being counted where the response's head was at: with three in all,
    /// a head that came at once leaves two resumptions. Without a strategy, nothing is resumed. Timeouts hold, and
    /// `total_timeout` alone is final. [`Response::attempts`] is the number up to the head.
    ///
    /// **Into what.** [`Error::RetryExhausted`] when the strategy gives up, and
    /// [`TransportErrorKind::NotResumed`](crate::TransportErrorKind::NotResumed) when the resource has changed or the server
    /// sends something else. A server that knows no ranges sends all of it once more: what is there already is then
    /// passed over. Only a body that is framed by nothing but the end of its connection can be short unnoticed, as ever.
    ///
    /// The body comes as it was sent: encodings are neither announced nor decoded. `RetryTransport` cannot resume: it is
    /// through when the head is there.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] for another method than GET.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Attempt, Body, Error, HttpClient, Outcome, Request, RetryDecision};
    ///
    /// // A server whose connection ends when half of "hello, world" is sent.
    /// let transport = |request: Request| async move {
    ///     let response = http::Response::builder().header("etag", "\"v1\"");
    ///     Ok(match request.headers().get("range") {
    ///         None => response.header("content-length", 12).body(Body::from("hello,")).expect("a response"),
    ///         Some(range) => {
    ///             assert!(range == "bytes=6-" && request.headers()["if-range"] == "\"v1\"");
    ///             let rest = response.status(206).header("content-range", "bytes 6-11/12");
    ///             rest.body(Body::from(" world")).expect("a response")
    ///         }
    ///     })
    /// };
    /// let three_attempts = |attempt: &Attempt<'_>| match attempt.outcome {
    ///     Outcome::Error(_) if attempt.number < 3 => RetryDecision::Retry { after: Duration::ZERO },
    ///     _ => RetryDecision::Accept,
    /// };
    /// # futures_util::FutureExt::now_or_never(async {
    /// let client = HttpClient::builder(transport).base_url("https://api.example.com").retry(three_attempts).build()?;
    /// let text = client.get("/greeting").resumable(true).send().await?.text().await?;
    /// assert_eq!(text, "hello, world");
    /// # Ok::<_, Error>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// [RFC 9110, section 14]: https://www.rfc-editor.org/rfc/rfc9110#section-14
    pub fn resumable(self, resumable: bool) -> Self {
        self.set(|settings| settings.resumable = Some(resumable))
            .change(|request| check_resumable(request.head()))
    }

    /// Names the path of the URL, with words in the place of what varies: metrics and spans tell calls apart by it
    /// (`url.template`), for the path itself has too many values.
    ///
    /// There should be few of them, and none may hold a secret. An empty one is an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, Event, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// let client = HttpClient::builder(transport)
    ///     .base_url("https://api.example.com")
    ///     .observer(|event: &Event<'_>| {
    ///         if let Event::CallEnded(call) = event {
    ///             assert_eq!(call.target.url_template(), Some("/users/{id}"));
    ///         }
    ///     })
    ///     .build()?;
    /// client.get("/users/7").url_template("/users/{id}").send().await?;
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn url_template(self, template: impl Into<Cow<'static, str>>) -> Self {
        let template = template.into();
        self.change(|_| match template.is_empty() {
            true => Err(BuildError::new(
                "url_template",
                "is empty: give the path, with names in the place of what varies, such as /users/{id}",
            )),
            false => Ok(()),
        })
        .set(|settings| settings.url_template = Some(template))
    }

    /// Makes an error of the caller's own of responses that `judge` refuses, after what the client itself
    /// [validates](crate::HttpClientBuilder::validate), and before [`raise_for_status`](Self::raise_for_status).
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let call = client.get("/report").validate(|head| match head.headers.get("content-type") {
    ///     Some(kind) if kind == "text/csv" => Ok(()),
    ///     _ => Err("this is no report: ask its team"),
    /// });
    /// assert_eq!(call.send().await.unwrap_err().to_string(), "this is no report: ask its team");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn validate<F, E>(self, judge: F) -> Self
    where
        F: Fn(&http::response::Parts) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.validate_by(Validation::new(judge))
    }

    /// The same by a [`Validation`], which may judge bodies, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request, Validation};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("<html>"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let no_html = Validation::of_body(64, |_| true, |_, start: &[u8]| match start.starts_with(b"<") {
    ///     true => Err("this is a page for people: check the URL"),
    ///     false => Ok(()),
    /// });
    /// let error = client.get("/report").validate_by(no_html).send().await.unwrap_err();
    /// assert_eq!(error.to_string(), "this is a page for people: check the URL");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn validate_by(self, validation: Validation) -> Self {
        self.change(|request| {
            let mut all: CallValidations = request.extensions_mut().remove().unwrap_or_default();
            all.add(validation);
            request.extensions_mut().insert(all);
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

    /// Makes a 4xx or 5xx an [`Error::Status`]; after the retries, which see the response.
    ///
    /// A request that is [built](Self::build) keeps it: [`HttpClient::execute`] and batches make the same error of it.
    pub fn raise_for_status(self) -> Self {
        self.set(|settings| settings.raise_for_status = Some(true))
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

fn default_content_type(request: &mut Request, value: &'static str) -> Result<(), BuildError> {
    if request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(());
    }
    let value = HeaderValue::from_static(value);
    request
        .headers_mut()
        .try_insert(header::CONTENT_TYPE, value)
        .map(drop)
        .map_err(|_| too_many_headers())
}

fn too_many_headers() -> BuildError {
    BuildError::new("headers", "are too many for one request: send fewer")
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}
