//! Calls that fail on a real connection, and what the stack below says of it.

use midil_http::*;
use midil_http_test::fault_server::{Cut, FaultServer, Reply};

use super::super::secrets::*;
use super::super::service;
use super::Failure;

/// What servers do to a call.
fn faults() -> Vec<(&'static str, Reply)> {
    let raw = |head: String| Reply::raw(head);
    vec![
        ("a close", Reply::close_before_head()),
        ("a reset", Reply::reset_before_head()),
        ("garbage", Reply::garbage()),
        ("secret garbage", raw(format!("{BODY}\r\n\r\n"))),
        ("a bad header", raw(format!("HTTP/1.1 200 OK\r\nset-cookie {COOKIE}\r\n\r\n"))),
        ("a bad value", raw(format!("HTTP/1.1 200 OK\r\nset-cookie: {COOKIE}\0\r\n\r\n"))),
        ("a bad length", raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {COOKIE}\r\n\r\n"))),
        (
            "a bad chunk",
            raw(format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nset-cookie: {COOKIE}\r\n\r\n{BODY}\r\n"
            )),
        ),
        (
            "a head that ends",
            Reply::ok(BODY).header("set-cookie", COOKIE).cut_head_after(40, Cut::Close),
        ),
        (
            "a body that ends",
            Reply::ok(BODY).header("set-cookie", COOKIE).cut_body_after(3, Cut::Reset),
        ),
        ("a status", Reply::status(503).header("set-cookie", COOKIE).body(BODY)),
        (
            "circles",
            Reply::status(307).header("location", format!("/v1?token={}", form_encoded(QUERY))),
        ),
    ]
}

pub(in super::super) async fn all() -> Vec<Failure> {
    let mut failures = Vec::new();
    for (what, reply) in faults() {
        let server = FaultServer::always(reply);
        failures.push((what.to_owned(), call(&server.url()).await));
    }
    let refusing = FaultServer::refusing();
    failures.push(("a refusal".to_owned(), call(&refusing.url()).await));
    let plain = FaultServer::always(Reply::ok(BODY));
    let url = plain.url().replace("http://", "https://");
    failures.push(("no TLS".to_owned(), call(&url).await));
    failures.push(("no such host".to_owned(), call("https://no-such-host.invalid").await));
    failures
}

/// What a call to such a server comes to.
async fn call(url: &str) -> Error {
    let transport = ReqwestTransport::try_new().expect("reqwest works here");
    let client = service::client(transport, DefaultRuntime::new()).base_url(url).build();
    let client = client.expect("a good client");
    let outcome = async {
        let call = service::request(&client, "/a").raise_for_status();
        call.send().await?.json::<Vec<u32>>().await
    };
    outcome.await.expect_err("it fails")
}
