//! What goes out and comes back over HTTP/2.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use midil_http_core::{Body, Request, Transport as _};

use super::knowing;
use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{WithHeader as _, exchange, get, post, read, request};
use crate::conformance::uploads::{WithTrailers, block, once, unfinished};
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{Gate, Http2Reply, Http2Server, Received, Script};

cases!["HTTP/2":
    a_head_arrives_over_http_2,
    no_header_is_added_over_http_2,
    bytes_arrive_over_http_2,
    a_stream_arrives_over_http_2,
    large_bodies_pass_both_ways_over_http_2,
    trailers_of_a_request_pass_over_http_2,
    trailers_of_a_response_pass_over_http_2,
    a_103_is_skipped_over_http_2,
    a_response_to_head_has_no_body_over_http_2,
    the_head_is_delivered_before_the_body_over_http_2,
    a_response_before_the_end_of_an_upload_is_delivered_over_http_2,
    a_response_whose_upload_is_broken_off_is_delivered_over_http_2,
];

/// The request as the server received it.
async fn received(bench: &Bench, make: impl FnOnce(&str) -> Request) -> Result<Received, Failure> {
    let server = Http2Server::start(Http2Reply::ok("hello"));
    let request = make(&server.url());
    exchange(&knowing(bench)?, request).await?;
    let first = server.requests().into_iter().next();
    first.ok_or_else(|| Failure("expected a request, saw none".into()))
}

/// RFC 9113, section 8.3.1.
async fn a_head_arrives_over_http_2(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello"));
    let url = format!("{}/a%20b?c=%2F&d=#e", server.url());
    let delete = request(Method::DELETE, &url, ()).with_header("x-many", "b");
    exchange(&knowing(bench)?, delete.with_header("x-many", "a")).await?;
    let request = &server.requests()[0];
    same("the method", request.method(), "DELETE")?;
    same("the target", request.target(), "/a%20b?c=%2F&d=")?;
    let authority = server.address().to_string();
    same("the authority", request.header(":authority"), Some(authority.as_str()))?;
    let values = Vec::from_iter(request.headers_named("x-many"));
    same("the values", values.join("|").replace(", ", "|"), "b|a")
}

async fn no_header_is_added_over_http_2(bench: &Bench) -> Verdict {
    let received = received(bench, |url| get(url).with_header("accept", "given")).await?;
    for (name, value) in received.headers() {
        let known = name.starts_with(':') || name == "host" || value == "given";
        ensure(known, format!("expected no header but those given, saw {name}"))?;
    }
    Ok(())
}

async fn bytes_arrive_over_http_2(bench: &Bench) -> Verdict {
    let received = received(bench, |url| post(url, "abc")).await?;
    same("the body", received.body(), b"abc")?;
    same("Content-Length", received.header("content-length"), Some("3"))
}

/// RFC 9113, section 8.2.2: there are no chunks.
async fn a_stream_arrives_over_http_2(bench: &Bench) -> Verdict {
    let received = received(bench, |url| post(url, once(&["ab", "", "c"]))).await?;
    same("the body", received.body(), b"abc")?;
    same("Transfer-Encoding", received.header("transfer-encoding"), None)?;
    ensure(received.body_complete(), "expected the end of the stream, saw none")
}

async fn large_bodies_pass_both_ways_over_http_2(bench: &Bench) -> Verdict {
    let echo = Script::respond_with(|request| Http2Reply::ok(request.body()));
    let server = Http2Server::start(echo);
    let body = block(1 << 20);
    let answer = exchange(&knowing(bench)?, post(&server.url(), body.clone())).await?;
    ensure(answer.body == body, format!("expected 1 MiB as sent, saw {} bytes", answer.body.len()))
}

async fn trailers_of_a_request_pass_over_http_2(bench: &Bench) -> Verdict {
    let pair = (HeaderName::from_static("x-sum"), HeaderValue::from_static("7"));
    let body = Body::wrap(WithTrailers::new("abc", HeaderMap::from_iter([pair])));
    let received = received(bench, |url| post(url, body).with_header("trailer", "x-sum")).await?;
    same("the body", received.body(), b"abc")?;
    same("the trailers", received.trailers(), [("x-sum".to_owned(), "7".to_owned())])
}

async fn trailers_of_a_response_pass_over_http_2(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello").trailer("x-sum", "7"));
    let mut body = knowing(bench)?.send(get(&server.url())).await?.into_body();
    let mut trailers = HeaderMap::new();
    while let Some(frame) = body.frame().await {
        trailers.extend(frame?.into_trailers().unwrap_or_default());
    }
    same("the trailer", trailers.get("x-sum").map(|value| value.as_bytes()), Some(&b"7"[..]))
}

async fn a_103_is_skipped_over_http_2(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello").interim(103, [("link", "</a>")]));
    let answer = exchange(&knowing(bench)?, get(&server.url())).await?;
    same("status and body", (answer.status.as_u16(), answer.text()), (200, "hello".to_owned()))
}

async fn a_response_to_head_has_no_body_over_http_2(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello"));
    let head = request(Method::HEAD, &server.url(), ());
    let answer = exchange(&knowing(bench)?, head).await?;
    same("the body", answer.text(), "")?;
    same("Content-Length", answer.header("content-length").as_deref(), Some("5"))
}

async fn the_head_is_delivered_before_the_body_over_http_2(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let server = Http2Server::start(Http2Reply::ok("hello").hold_body(&gate));
    let response = knowing(bench)?.send(get(&server.url())).await?;
    gate.open();
    same("the body", read(response).await?.text(), "hello")
}

async fn before_the_end(bench: &Bench, reply: Http2Reply) -> Verdict {
    let server = Http2Server::start(reply);
    let response = knowing(bench)?.send(post(&server.url(), unfinished())).await?;
    same("the status", response.status().as_u16(), 413)?;
    same("the body", read(response).await?.text(), "too large")
}

async fn a_response_before_the_end_of_an_upload_is_delivered_over_http_2(bench: &Bench) -> Verdict {
    before_the_end(bench, Http2Reply::status(413).body("too large").before_body()).await
}

/// RFC 9113, section 8.1: `NO_ERROR` tells the client to stop, and to keep the response.
async fn a_response_whose_upload_is_broken_off_is_delivered_over_http_2(bench: &Bench) -> Verdict {
    before_the_end(bench, Http2Reply::status(413).body("too large").reset_upload()).await
}
