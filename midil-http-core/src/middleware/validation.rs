//! [`Validation`]: what the caller takes for a good response.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::response::Parts;

use crate::body::{Peeked, drain};
use crate::{Body, BoxError, Error, Middleware, Next, Request, RequestHead, Runtime};

/// Judges responses: what it refuses becomes an error of the caller's own.
///
/// [`HttpClientBuilder::validate`] and [`RequestBuilder::validate`] judge heads, and are all that most need. This is the same as
/// a middleware, for other places and for bodies.
///
/// - **As call middleware** it judges what a call comes to in the end, after redirects and retries. A
///   [`RetryExhausted`](crate::RetryExhausted) whose last outcome was a response is judged by that response: a 429 is a 429,
///   however often it was tried. What is not refused stays what it was.
/// - **As attempt middleware** it judges each attempt, and the strategy of the call decides whether an error of its own is worth
///   another: see [`of_body`](Self::of_body).
///
/// What is refused is [`Error::Custom`], and [`Error::downcast_ref`] and [`Error::downcast`] give it back; an [`Error`] stays
/// itself. A refused response is drained up to 64 KiB, for 100 ms, so that its connection is used again.
///
/// [`HttpClientBuilder::validate`]: crate::HttpClientBuilder::validate
/// [`RequestBuilder::validate`]: crate::RequestBuilder::validate
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request, Validation};
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the tenant is suspended")]
/// struct Suspended;
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::builder().status(403).body(Body::from("...")).unwrap()) };
/// let client = HttpClient::builder(transport)
///     .base_url("https://api.example.com")
///     .middleware(Validation::new(|head| if head.status == 403 { Err(Suspended) } else { Ok(()) }))
///     .build()?;
/// let error = client.get("/users").send().await.unwrap_err();
/// assert!(error.downcast_ref::<Suspended>().is_some());
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct Validation(Judge);

#[derive(Clone)]
enum Judge {
    Head(Arc<JudgeHead>),
    Body { limit: usize, wants: Arc<Wants>, judge: Arc<JudgeBody> },
}

type Wants = dyn Fn(&Parts) -> bool + Send + Sync;
type JudgeHead = dyn Fn(&Parts) -> Result<(), BoxError> + Send + Sync;
type JudgeBody = dyn Fn(&Parts, &[u8]) -> Result<(), BoxError> + Send + Sync;

impl Validation {
    /// Judges the heads of responses.
    #[must_use]
    pub fn new<F, E>(judge: F) -> Self
    where
        F: Fn(&Parts) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        Self(Judge::Head(Arc::new(move |head| judge(head).map_err(Into::into))))
    }

    /// Judges responses that `wants` says yes to by their heads and the first `limit` bytes of their bodies, which are those that
    /// the caller reads later: nothing is consumed.
    ///
    /// The response is handed on when so much has come, or all of it: say no to streams of events, which would be held up. A
    /// body that breaks off within is judged by what came; whoever reads it finds that, and the error. Timeouts hold.
    ///
    /// Call middleware and a call's own validations see the body decoded. As attempt middleware it sees the body as it was sent,
    /// which may be compressed: say no to a `Content-Encoding`, or send the request with
    /// [`decompress(false)`](crate::RequestBuilder::decompress).
    ///
    /// # Examples
    ///
    /// A server that says 200 when it is busy, retried:
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Attempt, Body, HttpClient, Outcome, Request, RetryDecision, Validation};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("the server is busy, and says 200")]
    /// struct Busy;
    ///
    /// let busy = |attempt: &Attempt<'_>| match attempt.outcome {
    ///     Outcome::Error(error) if error.downcast_ref::<Busy>().is_some() && attempt.number < 3 => {
    ///         RetryDecision::Retry { after: Duration::ZERO }
    ///     }
    ///     _ => RetryDecision::Accept,
    /// };
    /// let is_json = |head: &http::response::Parts| head.headers.get("content-type").is_some_and(|kind| kind == "application/json");
    /// let judge = |_: &http::response::Parts, body: &[u8]| if body.starts_with(b"{\"busy\"") { Err(Busy) } else { Ok(()) };
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let count = std::sync::atomic::AtomicU32::new(0);
    /// # let transport = move |_: Request| {
    /// #     let body = ["{\"busy\":true}", "{\"id\":7}"][usize::from(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0)];
    /// #     let response = http::Response::builder().header("content-type", "application/json").body(Body::from(body));
    /// #     async move { Ok(response.unwrap()) }
    /// # };
    /// let client = HttpClient::builder(transport)
    ///     .base_url("https://api.example.com")
    ///     .attempt_middleware(Validation::of_body(1024, is_json, judge))
    ///     .retry(busy)
    ///     .build()?;
    /// assert_eq!(client.get("/orders/7").send().await?.text().await?, "{\"id\":7}");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn of_body<W, F, E>(limit: usize, wants: W, judge: F) -> Self
    where
        W: Fn(&Parts) -> bool + Send + Sync + 'static,
        F: Fn(&Parts, &[u8]) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        let judge =
            Arc::new(move |head: &Parts, body: &[u8]| judge(head, body).map_err(Into::into));
        Self(Judge::Body { limit, wants: Arc::new(wants), judge })
    }

    /// What becomes of a call that came to `outcome`.
    pub(crate) async fn judge(
        &self,
        outcome: Result<http::Response<Body>, Error>,
        runtime: &dyn Runtime,
    ) -> Result<http::Response<Body>, Error> {
        match outcome {
            Ok(response) => self.judge_response(response, runtime).await,
            Err(Error::RetryExhausted(mut exhausted)) => {
                if let Some(last) = exhausted.last_response_mut() {
                    let response = std::mem::replace(last, http::Response::new(Body::empty()));
                    *last = self.judge_response(response, runtime).await?;
                }
                Err(exhausted.into())
            }
            Err(error) => Err(error),
        }
    }

    async fn judge_response(
        &self,
        response: http::Response<Body>,
        runtime: &dyn Runtime,
    ) -> Result<http::Response<Body>, Error> {
        let (head, body) = response.into_parts();
        let (judged, body) = match &self.0 {
            Judge::Head(judge) => (judge(&head), body),
            Judge::Body { wants, .. } if !wants(&head) => (Ok(()), body),
            Judge::Body { limit, judge, .. } => {
                let peeked = Peeked::at(body, *limit).await;
                (judge(&head, &peeked.start(*limit)), peeked.into_body())
            }
        };
        if let Err(refused) = judged {
            drain(body, runtime).await;
            return Err(Error::of_box(refused));
        }
        Ok(http::Response::from_parts(head, body))
    }
}

#[async_trait]
impl Middleware for Validation {
    async fn handle(
        &self,
        request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        self.judge(next.run(request).await, next.runtime()).await
    }
}

impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Judge::Head(_) => "Validation(head)",
            Judge::Body { .. } => "Validation(body)",
        })
    }
}

/// What [`RequestBuilder::validate`](crate::RequestBuilder::validate) was given, in the request's extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallValidations(Vec<Validation>);

impl CallValidations {
    /// Those of a call, if any.
    pub(crate) fn of(head: &RequestHead) -> Option<Self> {
        // Most requests have no extensions at all: do not hash a type id for them.
        if head.extensions.is_empty() { None } else { head.extensions.get().cloned() }
    }

    pub(crate) fn add(&mut self, validation: Validation) {
        self.0.push(validation);
    }

    /// One after the other, until one refuses.
    pub(crate) async fn judge(
        self,
        mut outcome: Result<http::Response<Body>, Error>,
        runtime: &dyn Runtime,
    ) -> Result<http::Response<Body>, Error> {
        for validation in &self.0 {
            outcome = validation.judge(outcome, runtime).await;
        }
        outcome
    }
}
