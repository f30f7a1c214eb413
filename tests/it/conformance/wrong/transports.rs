//! The wrong transports: reqwest's, and one fault around it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, header};
use http_body::Frame;
use midil_http::{
    Body, Error, Request, ReqwestTransport, Sent, Transport, TransportError, async_trait, in_line,
};

type Response = http::Response<Body>;

/// Goes where a response points.
pub(super) struct FollowsRedirects(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for FollowsRedirects {
    async fn send(&self, mut request: Request) -> Result<Response, Error> {
        for _ in 0..10 {
            let again = request.try_clone();
            let response = self.0.send(request).await?;
            let location = response.headers().get(header::LOCATION);
            let location = location.and_then(|value| value.to_str().ok());
            let (Some(location), Some(mut next)) = (location, again) else { return Ok(response) };
            let Ok(url) = next.url().join(location) else { return Ok(response) };
            next.head_mut().url = url;
            request = next;
        }
        self.0.send(request).await
    }
}

/// Takes whatever breaks a body off for its end.
pub(super) struct HidesShortBodies(pub(super) ReqwestTransport);

struct Hiding(Body);

impl http_body::Body for Hiding {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.0).poll_frame(cx).map(|frame| frame.filter(Result::is_ok))
    }
}

#[async_trait]
impl Transport for HidesShortBodies {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        Ok(self.0.send(request).await?.map(|body| Body::wrap(Hiding(body))))
    }
}

/// Tries again when the server says that it is busy.
pub(super) struct RetriesStatuses(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for RetriesStatuses {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let again = request.try_clone();
        let response = self.0.send(request).await?;
        match again {
            Some(again) if matches!(response.status().as_u16(), 408 | 425 | 429 | 503) => {
                self.0.send(again).await
            }
            _ => Ok(response),
        }
    }
}

/// Tries again when a connection ends before the response.
pub(super) struct Resends(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for Resends {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let again = request.try_clone();
        match (self.0.send(request).await, again) {
            (Err(Error::Transport(error)), Some(again)) if error.sent() == Sent::Maybe => {
                self.0.send(again).await
            }
            (outcome, _) => outcome,
        }
    }
}

/// Says more than it was told to.
pub(super) struct LeaksHeader(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for LeaksHeader {
    async fn send(&self, mut request: Request) -> Result<Response, Error> {
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("7"));
        self.0.send(request).await
    }
}

/// Reads the whole body of a request before it sends it.
pub(super) struct BuffersUploads(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for BuffersUploads {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (head, body) = request.into_parts();
        let body = match body.as_bytes() {
            Some(_) => body,
            None => body.collect(u64::MAX).await?.into(),
        };
        self.0.send(Request::from_parts(head, body)).await
    }
}

/// Reads the body of a response, up to 64 MiB, before it returns the head.
pub(super) struct BuffersDownloads(pub(super) ReqwestTransport);

struct Buffered(std::vec::IntoIter<Result<Frame<Bytes>, Error>>, Body);

impl http_body::Body for Buffered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.0.next() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.1).poll_frame(cx),
        }
    }
}

#[async_trait]
impl Transport for BuffersDownloads {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (head, mut body) = self.0.send(request).await?.into_parts();
        let (mut frames, mut size) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let data = frame.as_ref().ok().and_then(|frame| frame.data_ref());
            size += data.map_or(0, Bytes::len);
            frames.push(frame);
            if size > 64 << 20 || frames.last().is_some_and(Result::is_err) {
                break;
            }
        }
        Ok(Response::from_parts(head, Body::wrap(Buffered(frames.into_iter(), body))))
    }
}

/// Hands on what an encoded body would be decoded to.
pub(super) struct Decompresses(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for Decompresses {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut response = self.0.send(request).await?;
        if response.headers_mut().remove(header::CONTENT_ENCODING).is_some() {
            response.headers_mut().remove(header::CONTENT_LENGTH);
            return Ok(response.map(|_| Body::from("decoded")));
        }
        Ok(response)
    }
}

/// Takes every failure for one before the first byte.
pub(super) struct ClaimsNothingWasSent(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for ClaimsNothingWasSent {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.0.send(request).await.map_err(|error| match error {
            Error::Transport(error) => {
                TransportError::new(error.kind(), Sent::No, "it failed").into()
            }
            other => other,
        })
    }
}

/// Says in its errors what it was asked for.
pub(super) struct ShowsUrls(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for ShowsUrls {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let url = request.url().to_string();
        self.0.send(request).await.map_err(|error| match error {
            Error::Transport(error) => {
                let message = format!("{url} failed");
                TransportError::new(error.kind(), error.sent(), message).with_source(error).into()
            }
            other => other,
        })
    }
}

/// Says that a request goes out while it waits in line.
pub(super) struct HidesItsQueue(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for HidesItsQueue {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut sending = self.0.send(request);
        poll_fn(|cx| {
            let poll = sending.as_mut().poll(cx);
            in_line(std::future::ready(())).now_or_never();
            poll
        })
        .await
    }
}
