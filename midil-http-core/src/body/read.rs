//! What reads a [`Body`]: frames, pieces, or the whole of it.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http_body::Frame;

use super::{Body, count};
use crate::{Error, LimitError};

impl Body {
    /// The next frame: data or trailers; `None` at the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Body;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let mut body = Body::from("hello");
    /// while let Some(frame) = body.frame().await {
    ///     if let Ok(data) = frame?.into_data() {
    ///         assert_eq!(data, "hello");
    ///     }
    /// }
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no frame is lost.
    pub async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut *self), cx)).await
    }

    /// The next piece of data; `None` at the end. Trailers are passed over.
    ///
    /// # Errors
    ///
    /// Whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no data is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data()
                && !data.is_empty()
            {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when there is more, or whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = midil_http_core::Body::from("hello");
    /// assert_eq!(body.collect(1024).await?, "hello");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub async fn collect(mut self, limit: u64) -> Result<Bytes, Error> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let mut room = Self::room_after(limit, &first, limit)?;
        if http_body::Body::is_end_stream(&self) {
            return Ok(first);
        }
        let Some(second) = self.chunk().await? else { return Ok(first) };
        room = Self::room_after(room, &second, limit)?;
        // The announced length is the peer's word: believe it up to 1 MiB, grow beyond.
        let announced = http_body::Body::size_hint(&self).lower().min(room).min(1 << 20);
        let announced = usize::try_from(announced).unwrap_or_default();
        let mut all = Vec::with_capacity(first.len() + second.len() + announced);
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(data) = self.chunk().await? {
            room = Self::room_after(room, &data, limit)?;
            all.extend_from_slice(&data);
        }
        Ok(all.into())
    }

    /// What is left of `room` when `data` is in it; `limit` is what there was in the beginning.
    pub(crate) fn room_after(room: u64, data: &[u8], limit: u64) -> Result<u64, Error> {
        room.checked_sub(count(data)).ok_or_else(|| {
            let problem = format!(
                "the body has more than {limit} bytes: raise max_response_bytes, or stream the body"
            );
            LimitError::new("max_response_bytes", problem).after_sending().into()
        })
    }
}
