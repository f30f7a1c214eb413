//! What goes wrong: what kind of error it is, and whether the request counts as sent.

use std::time::Duration;

use http::Method;
use midil_http_core::TransportErrorKind::{Closed, Connect, Dns, Protocol, Reset};
use midil_http_core::{Error, Request, Sent, TimeoutKind, Transport as _, TransportErrorKind};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, post, read, request};
use crate::conformance::uploads::once;
use crate::conformance::verdict::{
    Failure, Verdict, chain, ensure, error_of, same, transport_error,
};
use crate::fault_server::{Cut, FaultServer, OnConnect, Reply, Script};

cases!["Faults":
    a_refused_connection_was_not_sent,
    an_unknown_host_was_not_sent,
    a_connection_that_does_not_come_about_times_out,
    a_handshake_that_stalls_times_out,
    a_connection_that_closes_at_once_is_an_error,
    a_connection_that_is_reset_at_once_is_an_error,
    a_close_before_the_head_may_have_been_sent,
    a_reset_before_the_head_may_have_been_sent,
    a_close_within_the_head_is_an_error,
    a_reset_within_the_head_is_an_error,
    what_is_no_http_is_an_error,
    a_head_without_an_end_is_an_error,
    lengths_that_contradict_are_an_error,
    a_length_that_is_no_number_is_an_error,
    a_body_shorter_than_its_length_is_an_error,
    a_body_that_is_reset_is_an_error,
    a_body_cut_within_a_chunk_is_an_error,
    a_body_without_its_last_chunk_is_an_error,
    a_chunk_without_a_size_is_an_error,
    a_chunk_of_an_absurd_size_is_an_error,
    bytes_beyond_a_body_spoil_no_later_call,
    a_fault_spoils_no_later_call,
];

/// The same fault, met by each kind of request.
fn requests(url: &str) -> [Request; 4] {
    [get(url), post(url, "bytes"), post(url, once(&["a", "b"])), request(Method::DELETE, url, ())]
}

/// There is no head, and the request may have been processed.
async fn before_the_head(bench: &Bench, reply: Reply, kinds: &[TransportErrorKind]) -> Verdict {
    let server = FaultServer::always(reply);
    let transport = bench.common()?;
    for request in requests(&server.url()) {
        let error = error_of(exchange(&transport, request).await)?;
        transport_error(&error, kinds, Sent::Maybe)?;
    }
    Ok(())
}

/// There is a head, and then an error in the body.
async fn within_the_body(bench: &Bench, reply: Reply, kinds: &[TransportErrorKind]) -> Verdict {
    let server = FaultServer::always(reply);
    let transport = bench.common()?;
    for request in requests(&server.url()) {
        let response = transport.send(request).await?;
        same("the status", response.status().as_u16(), 200)?;
        let error = error_of(read(response).await)?;
        transport_error(&error, kinds, Sent::Maybe)?;
    }
    Ok(())
}

/// DESIGN, section 5, "Retry": any method may be sent again.
async fn a_refused_connection_was_not_sent(bench: &Bench) -> Verdict {
    let port = FaultServer::refusing();
    let transport = bench.common()?;
    for request in requests(&port.url()) {
        transport_error(&error_of(transport.send(request).await)?, &[Connect], Sent::No)?;
    }
    Ok(())
}

/// A label of more than 63 letters is no name of a host: no resolver is asked.
async fn an_unknown_host_was_not_sent(bench: &Bench) -> Verdict {
    let url = format!("http://{}.invalid/", "a".repeat(64));
    let error = error_of(bench.common()?.send(get(&url)).await)?;
    transport_error(&error, &[Dns], Sent::No)?;
    ensure(error.is_connect(), "expected is_connect to hold, it does not")
}

async fn connect_timeout(bench: &Bench, url: &str) -> Verdict {
    const LIMIT: Duration = Duration::from_millis(100);
    let transport = bench.transport_with(|settings| settings.connect_timeout = LIMIT)?;
    match error_of(transport.send(get(url)).await)? {
        Error::Timeout(error) => {
            let seen = (error.kind(), error.after(), error.sent());
            same("kind, limit and sent", seen, (TimeoutKind::Connect, LIMIT, Sent::No))
        }
        other => Err(Failure(format!(
            "expected Error::Timeout, saw {}: {}",
            other.kind(),
            chain(&other)
        ))),
    }
}

async fn a_connection_that_does_not_come_about_times_out(bench: &Bench) -> Verdict {
    let port = FaultServer::silent();
    connect_timeout(bench, &port.url()).await
}

/// TLS is a part of making a connection.
async fn a_handshake_that_stalls_times_out(bench: &Bench) -> Verdict {
    let server = FaultServer::start(Script::always(Reply::ok("")).on_connect([OnConnect::Stall]));
    connect_timeout(bench, &server.url().replace("http:", "https:")).await
}

/// Whether the request was on its way already is up to the scheduler.
async fn at_once(bench: &Bench, fate: OnConnect) -> Verdict {
    let server = FaultServer::start(Script::always(Reply::ok("")).on_connect([fate]));
    let error = error_of(bench.common()?.send(get(&server.url())).await)?;
    let kinds = &[Closed, Reset, Connect];
    transport_error(&error, kinds, error.sent())
}

async fn a_connection_that_closes_at_once_is_an_error(bench: &Bench) -> Verdict {
    at_once(bench, OnConnect::Close).await
}

async fn a_connection_that_is_reset_at_once_is_an_error(bench: &Bench) -> Verdict {
    at_once(bench, OnConnect::Reset).await
}

async fn a_close_before_the_head_may_have_been_sent(bench: &Bench) -> Verdict {
    before_the_head(bench, Reply::close_before_head(), &[Closed]).await
}

async fn a_reset_before_the_head_may_have_been_sent(bench: &Bench) -> Verdict {
    before_the_head(bench, Reply::reset_before_head(), &[Reset]).await
}

async fn a_close_within_the_head_is_an_error(bench: &Bench) -> Verdict {
    for count in [3, 12, 30] {
        let reply = Reply::ok("hello").header("x-id", "7").cut_head_after(count, Cut::Close);
        before_the_head(bench, reply, &[Closed]).await?;
    }
    Ok(())
}

async fn a_reset_within_the_head_is_an_error(bench: &Bench) -> Verdict {
    before_the_head(bench, Reply::ok("hello").cut_head_after(12, Cut::Reset), &[Reset]).await
}

async fn what_is_no_http_is_an_error(bench: &Bench) -> Verdict {
    before_the_head(bench, Reply::garbage(), &[Protocol]).await
}

/// Nobody needs a head of a megabyte; who sends one means harm.
async fn a_head_without_an_end_is_an_error(bench: &Bench) -> Verdict {
    let reply = Reply::ok("").header("x-large", vec![b'x'; 1 << 20]);
    before_the_head(bench, reply, &[Protocol]).await
}

/// RFC 9112, section 6.3.
async fn lengths_that_contradict_are_an_error(bench: &Bench) -> Verdict {
    let raw = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nhi";
    before_the_head(bench, Reply::raw(raw), &[Protocol]).await
}

async fn a_length_that_is_no_number_is_an_error(bench: &Bench) -> Verdict {
    for length in ["two", "-1", "99999999999999999999999"] {
        let raw = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nhi");
        before_the_head(bench, Reply::raw(raw), &[Protocol]).await?;
    }
    Ok(())
}

/// DESIGN, section 5, "Bodies": never silently short.
async fn a_body_shorter_than_its_length_is_an_error(bench: &Bench) -> Verdict {
    within_the_body(bench, Reply::ok("hello").content_length(100), &[Closed]).await
}

async fn a_body_that_is_reset_is_an_error(bench: &Bench) -> Verdict {
    within_the_body(bench, Reply::ok("hello").cut_body_after(2, Cut::Reset), &[Reset]).await
}

async fn a_body_cut_within_a_chunk_is_an_error(bench: &Bench) -> Verdict {
    let reply = Reply::ok("").chunked(["one", "two"]).cut_body_after(4, Cut::Close);
    within_the_body(bench, reply, &[Closed]).await
}

async fn a_body_without_its_last_chunk_is_an_error(bench: &Bench) -> Verdict {
    let reply = Reply::ok("").chunked(["one", "two"]).cut_body_after(6, Cut::Close);
    within_the_body(bench, reply, &[Closed]).await
}

/// A whole chunk comes first, so that the head is there for transports that need a piece of the body with it.
fn chunks(then: &str) -> Reply {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    Reply::raw(format!("{head}{then}"))
}

async fn a_chunk_without_a_size_is_an_error(bench: &Bench) -> Verdict {
    within_the_body(bench, chunks("no size\r\n"), &[Protocol]).await
}

async fn a_chunk_of_an_absurd_size_is_an_error(bench: &Bench) -> Verdict {
    within_the_body(bench, chunks("fffffffffffffffffffff\r\nhello"), &[Protocol]).await
}

/// RFC 9112, section 9.2: they are not the next response.
async fn bytes_beyond_a_body_spoil_no_later_call(bench: &Bench) -> Verdict {
    // What is in the place of the next response looks like one.
    let long = "helloHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
    let server = FaultServer::start([Reply::ok(long).content_length(5), Reply::ok("good")]);
    let transport = bench.common()?;
    same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    bench.settle().await?;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "good")
}

async fn a_fault_spoils_no_later_call(bench: &Bench) -> Verdict {
    let transport = bench.common()?;
    for fault in [
        Reply::close_before_head(),
        Reply::reset_before_head(),
        Reply::garbage(),
        Reply::ok("hello").content_length(100),
        Reply::ok("hello").cut_body_after(2, Cut::Reset),
        chunks("no size\r\n"),
    ] {
        let server = FaultServer::start([fault, Reply::ok("hello")]);
        let _ = exchange(&transport, get(&server.url())).await;
        same("the next body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    }
    Ok(())
}
