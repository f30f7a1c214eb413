//! From core's request to hyper's: nothing is parsed twice, no body is copied.

mod upload;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use http_body::{Frame, SizeHint};
use midil_http_core::{Body, BodyError, BuildError, Error, RequestHead};
use url::Position;

#[cfg(feature = "http2")]
pub(crate) use self::upload::Bound;
pub(crate) use self::upload::Upload;

/// The request as hyper takes it, its target being the path: who the server is, [`Origin`](crate::pool::Origin) knows.
pub(crate) fn convert(
    head: RequestHead,
    body: Body,
    user_agent: Option<&HeaderValue>,
) -> Result<http::Request<Outgoing>, Error> {
    let RequestHead { method, url, version, mut headers, .. } = head;
    let upload = frame(&method, &mut headers, version, &body)?;
    if let Some(user_agent) = user_agent
        && !headers.contains_key(header::USER_AGENT)
    {
        headers.insert(header::USER_AGENT, user_agent.clone());
    }
    let path = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery]).map_err(
        |error| {
            BuildError::new("URL", "cannot be sent over HTTP: check its characters")
                .with_source(error)
        },
    )?;
    let mut request = http::Request::new(Outgoing::new(body, upload));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(path);
    *request.version_mut() = version;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Whether it can be sent at all. To be asked before [`convert`].
pub(crate) fn check(head: &RequestHead) -> Result<(), Error> {
    let RequestHead { method, url, version, .. } = head;
    let version = *version;
    if !url.username().is_empty() || url.password().is_some() {
        let problem =
            "has userinfo, which is not sent: give the credentials to the client with `auth`";
        return Err(BuildError::new("URL", problem).into());
    }
    if !matches!(version, Version::HTTP_10 | Version::HTTP_11 | Version::HTTP_2) {
        return Err(version_error(version));
    }
    if *method == Method::CONNECT {
        let problem = "cannot be CONNECT, which is no exchange: give the transport a proxy, and it makes tunnels by itself";
        return Err(BuildError::new("method", problem).into());
    }
    Ok(())
}

/// The server does not speak it, or it cannot do what the request needs.
pub(crate) fn version_error(version: Version) -> Error {
    let problem = format!(
        "{version:?} cannot carry this request: leave it at HTTP/1.1, which lets the transport choose"
    );
    BuildError::new("version", problem).into()
}

/// Framing is ours: hyper would take the caller's word for the length, and cut the body to it.
fn frame(
    method: &Method,
    headers: &mut HeaderMap,
    version: Version,
    body: &Body,
) -> Result<Option<Arc<Upload>>, Error> {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    if body.is_empty() {
        // A method that is made to carry content says so when there is none, as RFC 9110, section 8.6 asks; hyper does not.
        if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        return Ok(None);
    }
    if body.as_bytes().is_some() {
        return Ok(None);
    }
    if body.length().is_none() {
        if version == Version::HTTP_10 {
            return Err(version_error(version));
        }
        // hyper would leave out the body of these, unless it is told; elsewhere it frames a stream by itself.
        if [Method::GET, Method::HEAD].contains(method) {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
    Ok(Some(Arc::default()))
}

/// A body on its way out, as hyper reads it once it has a connection.
pub(crate) struct Outgoing {
    body: Body,
    /// Where a stream leaves what it fails with.
    upload: Option<Arc<Upload>>,
    /// Whether a stream ends with its exchange. Over HTTP/1.1 that goes without saying.
    #[cfg(feature = "http2")]
    is_bound: bool,
}

impl Outgoing {
    const fn new(body: Body, upload: Option<Arc<Upload>>) -> Self {
        Self {
            body,
            upload,
            #[cfg(feature = "http2")]
            is_bound: false,
        }
    }

    pub(crate) const fn empty() -> Self {
        Self::new(Body::empty(), None)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(crate) const fn upload(&self) -> Option<&Arc<Upload>> {
        self.upload.as_ref()
    }
}

#[cfg(feature = "http2")]
impl Outgoing {
    /// Binds a stream to an exchange: hyper sends it by a task, which does not learn that nobody wants the response any more.
    pub(crate) fn bind(&mut self) -> Option<Bound> {
        self.is_bound = self.upload.is_some();
        self.upload.as_ref().map(|upload| Bound::new(Arc::clone(upload)))
    }

    /// The exchange has not begun: there will be another.
    pub(crate) const fn unbind(&mut self) {
        self.is_bound = false;
    }

    fn bound(&self) -> Option<&Upload> {
        self.upload.as_deref().filter(|_| self.is_bound)
    }
}

#[cfg(feature = "http2")]
impl Drop for Outgoing {
    fn drop(&mut self) {
        if let Some(upload) = self.bound() {
            upload.end();
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        #[cfg(feature = "http2")]
        if self.bound().is_some_and(|upload| upload.poll_broken_off(cx).is_ready()) {
            // hyper resets the stream for the reason that it finds in there.
            return Poll::Ready(Some(Err(BodyError::new(h2::Error::from(h2::Reason::CANCEL)))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| {
                if let Some(upload) = &self.upload {
                    upload.fail(error);
                }
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
