//! The body of a request: framing, streaming, failing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use std::pin::pin;

use futures_util::future::{Either, join, select};
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use midil_http_core::{Body, Error, Transport as _};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{WithHeader as _, exchange, get, post, read, request};
use crate::conformance::uploads::{
    WithTrailers, behind, block, counted, once, pieces, touchy, unfinished,
};
use crate::conformance::verdict::{Failure, Verdict, chain, ensure, error_of, same};
use crate::fault_server::{FaultServer, Gate, Received, Reply};

cases!["Uploads":
    no_body_is_not_announced,
    no_body_of_a_post_is_said_to_be_none,
    bytes_are_sent_with_their_length,
    a_replayable_body_is_sent_with_its_length,
    a_stream_with_a_length_is_sent_with_it,
    a_stream_without_a_length_is_sent_in_chunks,
    an_empty_stream_is_an_empty_body,
    an_empty_piece_does_not_end_a_stream,
    any_method_carries_bytes,
    any_method_carries_a_stream,
    a_length_of_the_callers_is_not_believed,
    a_transfer_encoding_of_the_callers_is_not_believed,
    a_stream_is_sent_as_it_comes,
    a_large_stream_arrives_whole,
    large_bytes_arrive_whole,
    an_upload_that_nobody_reads_is_not_buffered,
    trailers_of_a_request_pass,
    a_stream_that_fails_is_the_callers_error,
    a_stream_that_fails_is_not_taken_for_whole,
    a_stream_shorter_than_its_length_is_an_error,
    a_stream_longer_than_its_length_is_an_error,
    a_response_before_the_end_of_an_upload_is_delivered,
    a_body_is_not_touched_before_there_is_a_connection,
    what_an_upload_holds_is_freed,
];

/// What the server received of a request with this body.
async fn sent(bench: &Bench, method: Method, body: impl Into<Body>) -> Result<Received, Failure> {
    let server = FaultServer::always(Reply::ok(""));
    let request = request(method, &server.url(), body);
    exchange(&bench.common()?, request).await?;
    let first = server.requests().into_iter().next();
    first.ok_or_else(|| Failure("expected a request, saw none".into()))
}

fn with_length(received: &Received, length: &str, body: &str) -> Verdict {
    same("Content-Length", received.header("content-length"), Some(length))?;
    same("Transfer-Encoding", received.header("transfer-encoding"), None)?;
    same("the body", String::from_utf8_lossy(received.body()), body)
}

fn in_chunks(received: &Received, body: &str) -> Verdict {
    same("Content-Length", received.header("content-length"), None)?;
    same("Transfer-Encoding", received.header("transfer-encoding"), Some("chunked"))?;
    same("the body", String::from_utf8_lossy(received.body()), body)?;
    ensure(received.body_complete(), "expected the last chunk, saw none")
}

/// RFC 9112, section 6.3: without either header there is no body.
async fn no_body_is_not_announced(bench: &Bench) -> Verdict {
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS] {
        let received = sent(bench, method, ()).await?;
        same("Content-Length", received.header("content-length"), None)?;
        same("Transfer-Encoding", received.header("transfer-encoding"), None)?;
    }
    Ok(())
}

/// RFC 9110, section 8.6: a method that is made to carry content says so when there is none.
async fn no_body_of_a_post_is_said_to_be_none(bench: &Bench) -> Verdict {
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        with_length(&sent(bench, method, ()).await?, "0", "")?;
    }
    Ok(())
}

async fn bytes_are_sent_with_their_length(bench: &Bench) -> Verdict {
    with_length(&sent(bench, Method::POST, "abc").await?, "3", "abc")
}

async fn a_replayable_body_is_sent_with_its_length(bench: &Bench) -> Verdict {
    let body = Body::replayable(Some(3), || pieces(&["ab", "c"]));
    with_length(&sent(bench, Method::POST, body).await?, "3", "abc")
}

async fn a_stream_with_a_length_is_sent_with_it(bench: &Bench) -> Verdict {
    let body = Body::stream_with_length(pieces(&["ab", "c"]), 3);
    with_length(&sent(bench, Method::PUT, body).await?, "3", "abc")
}

/// RFC 9112, section 7.1.
async fn a_stream_without_a_length_is_sent_in_chunks(bench: &Bench) -> Verdict {
    in_chunks(&sent(bench, Method::POST, once(&["ab", "c"])).await?, "abc")
}

async fn an_empty_stream_is_an_empty_body(bench: &Bench) -> Verdict {
    let received = sent(bench, Method::POST, once(&[])).await?;
    same("the body", received.body(), b"")?;
    ensure(received.body_complete(), "expected the end of the body, saw none")
}

/// A chunk of no bytes is the last one: RFC 9112, section 7.1.
async fn an_empty_piece_does_not_end_a_stream(bench: &Bench) -> Verdict {
    let received = sent(bench, Method::POST, once(&["", "ab", "", "", "c", ""])).await?;
    same("the body", received.body(), b"abc")
}

async fn any_method_carries_bytes(bench: &Bench) -> Verdict {
    for method in [Method::GET, Method::DELETE, Method::OPTIONS, Method::PATCH] {
        with_length(&sent(bench, method, "abc").await?, "3", "abc")?;
    }
    Ok(())
}

async fn any_method_carries_a_stream(bench: &Bench) -> Verdict {
    for method in [Method::GET, Method::DELETE, Method::OPTIONS, Method::PATCH] {
        let received = sent(bench, method, once(&["ab", "c"])).await?;
        same("the body", received.body(), b"abc")?;
    }
    Ok(())
}

/// A wrong length would cut the body, or have the server wait for more.
async fn a_length_of_the_callers_is_not_believed(bench: &Bench) -> Verdict {
    for length in ["2", "7"] {
        let server = FaultServer::always(Reply::ok(""));
        let transport = bench.common()?;
        exchange(&transport, post(&server.url(), "abc").with_header("content-length", length))
            .await?;
        with_length(&server.requests()[0], "3", "abc")?;
        let stream = post(&server.url(), once(&["ab", "c"]));
        exchange(&transport, stream.with_header("content-length", length)).await?;
        same("the body of a stream", server.requests()[1].body(), b"abc")?;
    }
    Ok(())
}

async fn a_transfer_encoding_of_the_callers_is_not_believed(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let transport = bench.transport()?;
    let bytes = post(&server.url(), "abc").with_header("transfer-encoding", "gzip");
    exchange(&transport, bytes).await?;
    with_length(&server.requests()[0], "3", "abc")
}

/// The second piece is made when the server has the first.
async fn a_stream_is_sent_as_it_comes(bench: &Bench) -> Verdict {
    let (server, gate) = (FaultServer::always(Reply::ok("thanks")), Gate::new());
    let body = Body::stream(pieces(&["first"]).chain(behind(&gate, "second")));
    let watching = async {
        bench.until("the first piece at the server", || server.body_bytes_received() == 5).await;
        gate.open();
    };
    let transport = bench.transport()?;
    let (answer, ()) = join(exchange(&transport, post(&server.url(), body)), watching).await;
    same("the response", answer?.text(), "thanks")?;
    same("the body", String::from_utf8_lossy(server.requests()[0].body()), "firstsecond")
}

async fn a_large_stream_arrives_whole(bench: &Bench) -> Verdict {
    const SIZE: u64 = 4 << 20;
    let server = FaultServer::always(Reply::ok(""));
    let (body, taken) = counted(SIZE);
    exchange(&bench.common()?, post(&server.url(), body)).await?;
    same("the bytes", server.requests()[0].body_bytes_received(), taken.load(Ordering::SeqCst))?;
    let expected = Received::checksum(std::iter::repeat_n(block(64 * 1024), 64));
    same("the checksum", server.requests()[0].body_checksum(), expected)
}

async fn large_bytes_arrive_whole(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let body = block(4 << 20);
    exchange(&bench.common()?, post(&server.url(), Body::from(body.clone()))).await?;
    ensure(server.requests()[0].body() == body, "expected the bytes as they were, saw others")
}

/// Of 256 MiB that are offered, no more is taken than buffers hold.
async fn an_upload_that_nobody_reads_is_not_buffered(bench: &Bench) -> Verdict {
    const OFFERED: u64 = 256 << 20;
    const BUFFERS: u64 = 24 << 20;
    let server = FaultServer::always(Reply::stall().stop_reading());
    let (body, taken) = counted(OFFERED);
    let transport = bench.transport()?;
    let sending = transport.send(post(&server.url(), body));
    let count = || taken.load(Ordering::SeqCst);
    let sending = bench.drive(sending, "a request", || server.request_count() == 1).await?;
    let mut standing = pin!(bench.still("the upload", count));
    match select(sending, &mut standing).await {
        Either::Left(_) => Err(Failure("expected no end of the call, saw one".into())),
        Either::Right((taken, _)) => {
            let taken = taken?;
            ensure(
                taken < BUFFERS,
                format!("expected at most {BUFFERS} bytes to be taken, saw {taken}"),
            )
        }
    }
}

/// RFC 9110, section 6.5. Some stacks send those alone that `Trailer` names.
async fn trailers_of_a_request_pass(bench: &Bench) -> Verdict {
    let trailers =
        HeaderMap::from_iter([(HeaderName::from_static("x-sum"), HeaderValue::from_static("7"))]);
    let server = FaultServer::always(Reply::ok(""));
    let body = Body::wrap(WithTrailers::new("abc", trailers));
    let request = post(&server.url(), body).with_header("trailer", "x-sum");
    exchange(&bench.common()?, request).await?;
    let received = &server.requests()[0];
    same("the body", received.body(), b"abc")?;
    let seen = received.trailers().iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    same("the trailers", Vec::from_iter(seen), [("x-sum".to_owned(), "7".to_owned())])
}

/// The caller's own error comes back, whatever the stack makes of it on the way.
async fn a_stream_that_fails_is_the_callers_error(bench: &Bench) -> Verdict {
    for length in [None, Some(100)] {
        let server = FaultServer::always(Reply::ok(""));
        let failing =
            pieces(&["abc"]).chain(stream::iter([Err(io::Error::other("the sensor is gone"))]));
        let body = match length {
            None => Body::stream(failing),
            Some(length) => Body::stream_with_length(failing, length),
        };
        let outcome = exchange(&bench.common()?, post(&server.url(), body)).await;
        let error = error_of(outcome)?;
        let told = chain(&error);
        ensure(
            matches!(error, Error::Body(_)),
            format!("expected Error::Body, saw {}: {told}", error.kind()),
        )?;
        ensure(
            told.contains("the sensor is gone"),
            format!("expected the stream's own error, saw {told}"),
        )?;
    }
    Ok(())
}

async fn a_stream_that_fails_is_not_taken_for_whole(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let failing = pieces(&["abc"]).chain(stream::iter([Err(io::Error::other("gone"))]));
    let transport = bench.transport()?;
    error_of(exchange(&transport, post(&server.url(), Body::stream(failing))).await)?;
    bench.until("the connection's end", || server.open_connections() == 0).await;
    let whole = server.requests().iter().any(Received::body_complete);
    ensure(!whole, "expected a body without an end, saw a whole one")
}

async fn of_another_length(bench: &Bench, length: u64) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let body = Body::stream_with_length(pieces(&["ab", "cd", "ef"]), length);
    let error = error_of(exchange(&bench.common()?, post(&server.url(), body)).await)?;
    let told = chain(&error);
    ensure(
        matches!(error, Error::Body(_)),
        format!("expected Error::Body, saw {}: {told}", error.kind()),
    )
}

async fn a_stream_shorter_than_its_length_is_an_error(bench: &Bench) -> Verdict {
    of_another_length(bench, 100).await
}

async fn a_stream_longer_than_its_length_is_an_error(bench: &Bench) -> Verdict {
    of_another_length(bench, 3).await?;
    // At the end of a piece, too, where all that was announced is sent.
    of_another_length(bench, 4).await
}

/// RFC 9112, section 9.3: a server need not read an upload that it refuses.
async fn a_response_before_the_end_of_an_upload_is_delivered(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::status(413).body("too large").before_body().close());
    let response = bench.transport()?.send(post(&server.url(), unfinished())).await?;
    same("the status", response.status().as_u16(), 413)?;
    same("the body", read(response).await?.text(), "too large")
}

/// A body that was never polled can be sent again.
async fn a_body_is_not_touched_before_there_is_a_connection(bench: &Bench) -> Verdict {
    let port = FaultServer::refusing();
    let (body, touched) = touchy();
    error_of(bench.transport()?.send(post(&port.url(), body)).await)?;
    same("how often the body was asked", touched.load(Ordering::SeqCst), 0)
}

async fn what_an_upload_holds_is_freed(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::ok(""), Reply::reset_before_head(), Reply::ok("")]);
    let transport = bench.transport()?;
    let held = Arc::new(());
    for _ in 0..2 {
        let guard = Arc::clone(&held);
        let stream = pieces(&["ab", "c"]).map(move |piece| {
            let _guard = &guard;
            piece
        });
        let _ = exchange(&transport, post(&server.url(), Body::stream(stream))).await;
    }
    bench.until("the streams to be dropped", || Arc::strong_count(&held) == 1).await;
    exchange(&transport, get(&server.url())).await.map(drop).map_err(Failure::from)
}
