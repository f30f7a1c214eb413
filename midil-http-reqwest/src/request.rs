//! From core's request to reqwest's: nothing is parsed or copied.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Version, header};
use http_body::{Frame, SizeHint};
use midil_http_core::{Body, BodyError, BuildError, Error, Request};

use crate::host::LastHost;

/// The request as reqwest takes it; and where its body leaves what it fails with, when it is a stream. `host` is there where
/// the request needs one.
pub(crate) fn convert(
    request: Request,
    host: Option<&LastHost>,
) -> Result<(reqwest::Request, Option<Arc<Upload>>), Error> {
    let (mut head, body) = request.into_parts();
    if !head.url.username().is_empty() || head.url.password().is_some() {
        let problem =
            "has userinfo, which is not sent: give the credentials to the client with `auth`";
        return Err(BuildError::new("URL", problem).into());
    }
    if !matches!(head.version, Version::HTTP_10 | Version::HTTP_11 | Version::HTTP_2) {
        return Err(version_error(head.version));
    }
    if let Some(host) = host {
        host.name(&head.url, &mut head.headers);
    }
    let (body, upload) = if body.is_empty() {
        frame_nothing(&head.method, &mut head.headers);
        (None, None)
    } else if let Some(bytes) = body.as_bytes() {
        remove_framing(&mut head.headers);
        (Some(reqwest::Body::from(bytes.clone())), None)
    } else {
        remove_framing(&mut head.headers);
        if body.length().is_none() {
            if head.version == Version::HTTP_10 {
                return Err(version_error(head.version));
            }
            frame_chunks(&head.method, &mut head.headers);
        }
        let upload = Arc::new(Upload::default());
        let body = UploadBody { body, upload: Arc::clone(&upload) };
        (Some(reqwest::Body::wrap(body)), Some(upload))
    };
    let mut request = reqwest::Request::new(head.method, head.url);
    *request.version_mut() = head.version;
    *request.headers_mut() = head.headers;
    *request.body_mut() = body;
    Ok((request, upload))
}

fn version_error(version: Version) -> Error {
    let problem = format!(
        "{version:?} cannot carry this request: leave it at HTTP/1.1, which lets the transport choose"
    );
    BuildError::new("version", problem).into()
}

/// Framing is ours: hyper would take the caller's word for the length, and cut the body to it.
fn remove_framing(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
}

/// A method that is made to carry content says so when there is none, as [RFC 9110, section 8.6] asks; hyper does not.
///
/// [RFC 9110, section 8.6]: https://www.rfc-editor.org/rfc/rfc9110#section-8.6
fn frame_nothing(method: &Method, headers: &mut HeaderMap) {
    if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

/// hyper would leave out the body of these, unless it is told; elsewhere it frames a stream by itself.
fn frame_chunks(method: &Method, headers: &mut HeaderMap) {
    if [Method::GET, Method::HEAD].contains(method) {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// What the caller's stream failed with: on its way through hyper it would be buried, or lost.
#[derive(Default)]
pub(crate) struct Upload(Mutex<Option<Error>>);

impl Upload {
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream as hyper reads it, once it has a connection.
struct UploadBody {
    body: Body,
    upload: Arc<Upload>,
}

impl http_body::Body for UploadBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| {
                *self.upload.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                BodyError::new("the caller's stream failed")
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
