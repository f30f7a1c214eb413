//! What the tests share.

use std::error::Error as StdError;
use std::future::Future;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_util::stream;
use http::Method;
use midil_http_core::{Body, Error, Request, Transport};
use midil_http_isahc::IsahcTransport;

/// Runs a test on a thread of its own, without a runtime. One that would hang fails instead.
pub(crate) fn run(test: impl Future<Output = ()> + Send + 'static) {
    let (done, wait) = mpsc::channel::<()>();
    let test = thread::spawn(move || {
        let _done = done; // dropped at the end, or in a panic
        futures_executor::block_on(test);
    });
    let end = wait.recv_timeout(Duration::from_secs(30));
    assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected), "it hangs");
    if let Err(panic) = test.join() {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) fn transport() -> IsahcTransport {
    IsahcTransport::try_new().unwrap()
}

pub(crate) fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

pub(crate) fn post(url: &str, body: impl Into<Body>) -> Request {
    request(Method::POST, url, body)
}

pub(crate) fn request(method: Method, url: &str, body: impl Into<Body>) -> Request {
    get(url).with_method(method).with_body(body)
}

/// A body that can be read once, in two pieces.
pub(crate) fn pieces() -> Body {
    Body::stream(stream::iter(["up", "load"].map(Ok::<_, std::io::Error>)))
}

/// What came of one exchange, in a word or two.
pub(crate) async fn outcome(transport: &dyn Transport, request: Request) -> String {
    let response = match transport.send(request).await {
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

pub(crate) fn verdict(error: &Error) -> String {
    match error {
        Error::Transport(error) => format!("{:?}, {:?}", error.kind(), error.sent()),
        error => format!("{}, {:?}", error.kind(), error.sent()),
    }
}

/// Everything that can be read off an error, down to its last cause.
pub(crate) fn rendered(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n{error} {error:?}"));
        cause = error.source();
    }
    text
}

/// Runs one test of this program in a process of its own, with `variables` set and no proxy beside. There
/// [`is_child`] holds.
pub(crate) fn child(test: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    let variables = variables.iter().copied();
    let output = child.args(["--exact", test]).env(CHILD, "1").envs(variables).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

const CHILD: &str = "MIDIL_TEST_CHILD";

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}
