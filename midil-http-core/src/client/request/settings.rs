//! What a call does otherwise than its client.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::RequestBuilder;
use crate::config::positive;
use crate::pipeline::check_resumable;
use crate::{BuildError, RetryChoice, RetryStrategy};

impl RequestBuilder {
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

    /// Whether the response's body may come compressed, and is decoded.
    ///
    /// It is by default, in each encoding that a feature of this crate adds; `Content-Encoding` and `Content-Length` are
    /// then removed. A body comes as it was sent where this says no, where the request sets `Accept-Encoding` or `Range`
    /// itself or is [`resumable`](Self::resumable), in an encoding that was not asked for and is not known, and where it is a part of the whole (206).
    /// Data that is no such encoding, ends early, or has something behind its end is an [`Error::Decode`](crate::Error::Decode).
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
    /// `total_timeout` alone is final. [`Response::attempts`](crate::Response::attempts) is the number up to the head.
    ///
    /// **Into what.** [`Error::RetryExhausted`](crate::Error::RetryExhausted) when the strategy gives up, and
    /// [`TransportErrorKind::NotResumed`](crate::TransportErrorKind::NotResumed) when the resource has changed or the server
    /// sends something else. A server that knows no ranges sends all of it once more: what is there already is then
    /// passed over. Only a body that is framed by nothing but the end of its connection can be short unnoticed, as ever.
    ///
    /// The body comes as it was sent: encodings are neither announced nor decoded. `RetryTransport` cannot resume: it is
    /// through when the head is there.
    ///
    /// # Errors
    ///
    /// [`Error::Build`](crate::Error::Build) for another method than GET.
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

    /// Makes a 4xx or 5xx an [`Error::Status`](crate::Error::Status); after the retries, which see the response.
    ///
    /// A request that is [built](Self::build) keeps it: [`HttpClient::execute`](crate::HttpClient::execute) and batches make the same error of it.
    pub fn raise_for_status(self) -> Self {
        self.set(|settings| settings.raise_for_status = Some(true))
    }
}
