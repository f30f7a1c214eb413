//! [`ChunkStream`]: the body of a [`Response`] as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::Response;
use crate::{Body, Error};

impl Response {
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
