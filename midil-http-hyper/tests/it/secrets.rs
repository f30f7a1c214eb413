//! No error shows what it must not, however deep one looks.

use http::HeaderValue;
use midil_http_core::{Error, Request, Transport};
use midil_http_test::fault_server::{Cut, FaultServer, Reply};

use super::support::{get, rendered, run, text, transport};

const SECRET: &str = "hunter2";

/// A request with a secret wherever one may be.
fn confidential(base: &str) -> Request {
    let mut request = get(&format!("{base}/path?token={SECRET}#{SECRET}"));
    request.headers_mut().insert("authorization", HeaderValue::from_static(SECRET));
    request.headers_mut().insert("x-api-key", HeaderValue::from_static(SECRET));
    request.with_body(SECRET)
}

async fn failure(base: &str) -> Error {
    match transport().send(confidential(base)).await {
        Err(error) => error,
        Ok(response) => text(response).await.unwrap_err(),
    }
}

#[test]
fn no_error_shows_a_secret() {
    run(async {
        let refusing = FaultServer::refusing();
        let mut errors = vec![
            failure(&refusing.url()).await,
            failure("http://no-such-host.invalid").await,
            failure("ftp://localhost").await,
            failure(&refusing.url().replace("http:", "https:")).await,
        ];
        for reply in [
            Reply::close_before_head(),
            Reply::reset_before_head(),
            Reply::garbage(),
            Reply::ok("hello").content_length(100),
            Reply::ok("hello").cut_body_after(2, Cut::Reset),
            Reply::ok("").chunked(["one", "two"]).cut_body_after(4, Cut::Close),
        ] {
            let server = FaultServer::always(reply);
            errors.push(failure(&server.url()).await);
            errors.push(failure(&server.url().replace("http:", "https:")).await);
        }
        for error in errors {
            let text = rendered(&error);
            assert!(!text.contains(SECRET), "{text}");
            assert!(!text.contains("/path"), "{text}");
        }
    });
}
