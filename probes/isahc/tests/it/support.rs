//! What the tests share.

use std::future::Future;
use std::time::Duration;

use futures_util::stream;
use http::Method;
use midil_http_core::{Body, Error, Next, Request, Transport};

/// The requests that each fault is met by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sending {
    Get,
    PostBytes,
    PostStream,
}

impl Sending {
    pub(crate) const ALL: [Self; 3] = [Self::Get, Self::PostBytes, Self::PostStream];

    pub(crate) fn request(self, url: &str) -> Request {
        let request = Request::get(url).expect("a URL");
        let mut request = match self {
            Self::Get => return request,
            Self::PostBytes => request.with_body("upload"),
            Self::PostStream => request.with_body(pieces()),
        };
        request.head_mut().method = Method::POST;
        request
    }
}

fn pieces() -> Body {
    Body::stream(stream::iter(["up", "load"].map(Ok::<_, std::io::Error>)))
}

/// Runs on tokio, which reqwest needs and isahc does not mind.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().expect("tokio");
    let limit = Duration::from_secs(30);
    runtime.block_on(async { tokio::time::timeout(limit, test).await.expect("it hangs") });
}

/// Passes the request on: `Next` knows nothing of the stack.
async fn pass(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
    next.run(request).await
}

/// What came of one exchange, in a word or two.
pub(crate) async fn outcome(transport: &dyn Transport, request: Request) -> String {
    let response = match pass(request, Next::new(transport)).await {
        Ok(response) => response,
        Err(error) => return format!("head: {}", verdict(&error)),
    };
    let (parts, mut body) = response.into_parts();
    let mut text = String::new();
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => text.push_str(&String::from_utf8_lossy(&data)),
            Ok(Err(_)) => text.push_str(" + trailers"),
            Err(error) => return format!("body: {}", verdict(&error)),
        }
    }
    format!("{} {text}", parts.status.as_u16()).trim_end().to_owned()
}

fn verdict(error: &Error) -> String {
    match error {
        Error::Transport(error) => format!("{:?}, {:?}", error.kind(), error.sent()),
        error => format!("{}, {:?}", error.kind(), error.sent()),
    }
}
