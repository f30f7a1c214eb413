//! [`Response`].

#[cfg(feature = "fs")]
mod save;
mod text;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode, Version};
use serde::de::DeserializeOwned;
use url::Url;

pub use text::decode_text;

use super::Answer;
use crate::{Body, BodyReader, DecodeError, Error, Progress, Request, StatusError, redact};

/// The response to a call: its head at once, its body as it is read.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("{\"name\":\"Ada\"}"))) };
/// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// #[derive(serde::Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// let response = client.get("/users/1").send().await?.error_for_status().await?;
/// assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
/// let user: User = response.json().await?;
/// assert_eq!(user.name, "Ada");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub struct Response {
    head: http::response::Parts,
    body: Body,
    /// What came after the body, once it has been read.
    trailers: Option<Box<HeaderMap>>,
    url: Url,
    attempts: u32,
    elapsed: Duration,
    max_bytes: u64,
}

impl Response {
    pub(super) fn new(answer: Answer, request: Request, max_bytes: u64) -> Self {
        let Answer { response, attempts, elapsed, url } = answer;
        let (head, body) = response.into_parts();
        let url = url.unwrap_or_else(|| request.into_parts().0.url);
        Self { head, body, trailers: None, url, attempts, elapsed, max_bytes }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The URL that answered, after redirects.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The HTTP version of the response.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.head.version
    }

    /// What the transport and middleware attached.
    #[must_use]
    pub const fn extensions(&self) -> &http::Extensions {
        &self.head.extensions
    }

    /// How many attempts the response took: 1 and the retries of the whole call. Those that a
    /// [resumed](crate::RequestBuilder::resumable) body takes later are not among them.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time from the call to the response head.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The response itself, unless its status is a 4xx or 5xx.
    ///
    /// # Errors
    ///
    /// [`Error::Status`], with status, headers and the first 8 KiB of the body.
    pub async fn error_for_status(self) -> Result<Self, Error> {
        if self.head.status.is_client_error() || self.head.status.is_server_error() {
            Err(self.into_status_error().await.into())
        } else {
            Ok(self)
        }
    }

    /// The status as an error, with the beginning of the body.
    pub(super) async fn into_status_error(self) -> StatusError {
        let mut body = self.body;
        let mut kept = Vec::new();
        // A body that breaks off is no reason to hide the status.
        while kept.len() < StatusError::BODY_LIMIT
            && let Ok(Some(chunk)) = body.chunk().await
        {
            kept.extend_from_slice(&chunk);
        }
        StatusError::new(self.head.status, self.head.headers, kept)
    }

    /// The whole body, parsed as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when it is no JSON of that shape, and as [`bytes`](Self::bytes).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| decode_error(&error).into())
    }

    /// The whole body as text, in the charset that `Content-Type` names (feature `charset`; without it, and where none or an
    /// unknown one is named, UTF-8).
    ///
    /// As the [Encoding Standard] has it: a byte-order mark wins, and is no part of the text; what is not valid is replaced.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    ///
    /// [Encoding Standard]: https://encoding.spec.whatwg.org/#decode
    pub async fn text(self) -> Result<String, Error> {
        let bytes = self.body.collect(self.max_bytes).await?;
        Ok(decode_text(&self.head.headers, &bytes))
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when it has more than `max_response_bytes`, [`Error::Transport`] when it breaks off,
    /// [`Error::Timeout`] when it stalls.
    // Not an `async fn`, which would take the whole response along.
    pub fn bytes(self) -> impl Future<Output = Result<Bytes, Error>> + Send {
        self.body.collect(self.max_bytes)
    }

    /// The same response with its whole body in memory, which holds no connection any more. Its trailers are known.
    pub(crate) async fn into_buffered(mut self) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).await?;
        bytes.shrink_to_fit();
        self.body = bytes.into();
        Ok(self)
    }

    /// Appends the rest of the body to `buffer`; what arrived before an error stays there.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes), the limit being on what this call appends.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read is in `buffer`.
    pub async fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let mut room = self.max_bytes;
        while let Some(chunk) = self.chunk().await? {
            room = Body::room_after(room, &chunk, self.max_bytes)?;
            buffer.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// Whatever broke the body off; never silently short.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no data is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.body.frame().await {
            match frame?.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(frame) => self.trailers = frame.into_trailers().ok().map(Box::new),
            }
        }
        Ok(None)
    }

    /// The trailers: what the server had to say after the body. They are known once [`chunk`](Self::chunk) or
    /// [`read_to_end`](Self::read_to_end) has come to its end, where the transport passes them on.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let mut response = client.get("/greeting").send().await?;
    /// let mut text = Vec::new();
    /// response.read_to_end(&mut text).await?;
    /// let checksum = response.trailers().and_then(|trailers| trailers.get("x-checksum"));
    /// assert_eq!((text.as_slice(), checksum), (&b"hello"[..], None)); // this server has nothing more to say
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_deref()
    }

    /// The same response, which tells `observer` of each piece of the body as it is read: see [`Body::on_progress`].
    ///
    /// [`Progress::total`] is what is known of the body's length when this is called, after decompression.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Progress, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let response = client.get("/large").send().await?.on_progress(|progress: Progress| {
    ///     println!("{} of {:?} bytes", progress.transferred(), progress.total());
    /// });
    /// assert_eq!(response.bytes().await?, "hello");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn on_progress(self, observer: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self { body: self.body.on_progress(observer), ..self }
    }

    /// The body as a stream of its pieces.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// # use midil_http_core::{Body, HttpClient, Request};
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let mut stream = client.get("/large").send().await?.stream();
    /// let mut length = 0;
    /// while let Some(chunk) = stream.try_next().await? {
    ///     length += chunk.len();
    /// }
    /// assert_eq!(length, 5);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn stream(self) -> ChunkStream {
        ChunkStream(self.body)
    }

    /// The body as an [`AsyncRead`](futures_io::AsyncRead) and [`AsyncBufRead`](futures_io::AsyncBufRead), for parsers and
    /// copying; without the limit of `max_response_bytes`.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{AsyncBufReadExt, TryStreamExt};
    /// # use midil_http_core::{Body, HttpClient, Request};
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("one\ntwo"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let lines: Vec<String> = client.get("/log").send().await?.reader().lines().try_collect().await?;
    /// assert_eq!(lines, ["one", "two"]);
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn reader(self) -> BodyReader {
        self.body.into_reader()
    }

    /// Head and body, as the `http` crate has them.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let (head, body) = client.get("/greeting").send().await?.into_http().into_parts();
    /// assert_eq!((head.status.as_u16(), body.collect(1024).await?.as_ref()), (200, &b"hello"[..]));
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn into_http(self) -> http::Response<Body> {
        http::Response::from_parts(self.head, self.body)
    }
}

/// Where the JSON is wrong; not with what value, as the parser would tell: it may be a secret.
pub(super) fn decode_error(error: &serde_json::Error) -> DecodeError {
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            "a value that is not of the expected type or is missing"
        }
        serde_json::error::Category::Eof => "the end of the text",
        _ => "something that is no JSON",
    };
    let place = format!("{what}, at line {} column {}", error.line(), error.column());
    DecodeError::new("JSON of the expected shape", place)
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status)
            .field("url", &redact::url(&self.url))
            .field("headers", &redact::headers(&self.head.headers))
            .field("attempts", &self.attempts)
            .field("elapsed", &self.elapsed)
            .finish_non_exhaustive()
    }
}

/// The pieces of a response's body: see [`Response::stream`].
#[derive(Debug)]
pub struct ChunkStream(Body);

impl Stream for ChunkStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(http_body::Body::poll_frame(Pin::new(&mut self.0), cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}
