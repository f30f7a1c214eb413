//! What reads the body of a [`Response`].

use bytes::Bytes;
use http::HeaderMap;

use super::{Response, decode_text};
use crate::{Body, BodyReader, Error, Progress};

impl Response {
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
}
