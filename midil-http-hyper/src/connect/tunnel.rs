//! A tunnel through a proxy ([RFC 9110, section 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use midil_http_core::{Error, Sent, TransportError, TransportErrorKind};

use super::io::Socket;
use crate::failure;
use crate::request::Outgoing;

/// Asks the proxy at the other end of `socket` to connect us to `authority`, `host:port`.
pub(super) async fn open(
    socket: Socket,
    authority: &str,
    authorization: Option<&HeaderValue>,
    user_agent: Option<&HeaderValue>,
) -> Result<Socket, Error> {
    let request = connect(authority, authorization, user_agent)?;
    let handshake = http1::handshake(TokioIo::new(socket)).await;
    let (mut sender, mut connection) = handshake.map_err(failure::in_tunnel)?;
    let mut response = pin!(sender.send_request(request));
    let response = poll_fn(|cx| {
        let ended = connection.poll_without_shutdown(cx);
        match (response.as_mut().poll(cx), ended) {
            (Poll::Ready(response), _) => Poll::Ready(Some(response)),
            (Poll::Pending, Poll::Ready(_)) => Poll::Ready(None),
            (Poll::Pending, Poll::Pending) => Poll::Pending,
        }
    });
    let response = response.await.ok_or_else(|| refused("the proxy closed the connection"))?;
    let status = response.map_err(failure::in_tunnel)?.status();
    if !status.is_success() {
        return Err(refused(&match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                format!(
                    "the proxy asks for other credentials than it was given (status {})",
                    status.as_u16()
                )
            }
            _ => format!("the proxy would not connect to the server (status {})", status.as_u16()),
        }));
    }
    let parts = connection.into_parts();
    // A server of HTTP/2 may speak first, and the proxy may have passed that on already.
    Ok(parts.io.into_inner().begin_with(parts.read_buf))
}

fn connect(
    authority: &str,
    authorization: Option<&HeaderValue>,
    user_agent: Option<&HeaderValue>,
) -> Result<http::Request<Outgoing>, Error> {
    let mut headers = HeaderMap::new();
    let host = HeaderValue::from_str(authority);
    let (Ok(host), Ok(uri)) = (host, Uri::try_from(authority)) else {
        return Err(refused("the name of the server cannot be told to a proxy"));
    };
    headers.insert(header::HOST, host);
    if let Some(authorization) = authorization {
        headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
    }
    if let Some(user_agent) = user_agent {
        headers.insert(header::USER_AGENT, user_agent.clone());
    }
    let mut request = http::Request::new(Outgoing::empty());
    (*request.method_mut(), *request.uri_mut()) = (Method::CONNECT, uri);
    *request.headers_mut() = headers;
    Ok(request)
}

fn refused(message: &str) -> Error {
    TransportError::new(TransportErrorKind::Connect, Sent::No, message).into()
}
