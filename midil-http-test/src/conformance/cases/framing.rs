//! Where the head and the body of a response end.

use http::{HeaderMap, Method, Version};
use midil_http_core::{Body, Error, Transport as _};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{Answer, exchange, get, piece, read, request};
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{FaultServer, Gate, Reply};

cases!["Framing":
    a_length_ends_a_body,
    chunks_are_put_together,
    extensions_of_chunks_are_passed_over,
    a_body_without_framing_ends_with_the_connection,
    a_close_that_was_announced_ends_a_body,
    an_empty_body_is_empty,
    a_response_to_head_has_headers_and_no_body,
    a_204_has_no_body,
    a_304_has_no_body,
    a_100_is_skipped,
    a_103_is_skipped,
    many_interim_responses_are_skipped,
    trailers_of_a_response_pass,
    chunks_win_over_a_length,
    any_status_is_a_response,
    an_http_1_0_response_is_read,
    a_header_of_many_values_keeps_them_in_order,
    names_of_headers_are_found_in_any_case,
    an_empty_value_is_one,
    bytes_beyond_ascii_in_a_value_are_kept,
    a_long_header_is_read,
    the_head_is_delivered_before_the_body,
    the_head_is_delivered_before_a_body_without_framing,
    a_piece_is_delivered_before_the_next,
];

/// What a GET comes to.
async fn answer(bench: &Bench, reply: Reply) -> Result<Answer, Error> {
    let server = FaultServer::always(reply);
    exchange(&bench.common()?, get(&server.url())).await
}

/// RFC 9112, section 6.2.
async fn a_length_ends_a_body(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::ok("hello")).await?;
    same("the body", answer.text(), "hello")?;
    same("Content-Length", answer.header("content-length").as_deref(), Some("5"))
}

/// RFC 9112, section 7.1.
async fn chunks_are_put_together(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::ok("").chunked(["one ", "two ", "three"])).await?;
    same("the body", answer.text(), "one two three")
}

/// RFC 9112, section 7.1.1.
async fn extensions_of_chunks_are_passed_over(bench: &Bench) -> Verdict {
    let raw = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        5;a=b;c=\"d\"\r\nhello\r\n0;end\r\n\r\n";
    same("the body", answer(bench, Reply::raw(raw)).await?.text(), "hello")
}

/// RFC 9112, section 6.3: where nothing else is said, though nobody announced the close.
async fn a_body_without_framing_ends_with_the_connection(bench: &Bench) -> Verdict {
    same("the body", answer(bench, Reply::ok("hello").until_close()).await?.text(), "hello")
}

async fn a_close_that_was_announced_ends_a_body(bench: &Bench) -> Verdict {
    same("the body", answer(bench, Reply::ok("hello").until_close().close()).await?.text(), "hello")
}

async fn an_empty_body_is_empty(bench: &Bench) -> Verdict {
    for reply in [Reply::ok(""), Reply::ok("").chunked([""]), Reply::ok("").until_close().close()] {
        same("the body", answer(bench, reply).await?.text(), "")?;
    }
    Ok(())
}

/// RFC 9110, section 9.3.2: its length is that of the body that a GET would get.
async fn a_response_to_head_has_headers_and_no_body(bench: &Bench) -> Verdict {
    let server = FaultServer::start([
        Reply::ok("").header("content-length", "100").header("x-id", "7"),
        Reply::ok("").chunked(["one"]),
    ]);
    let transport = bench.common()?;
    let head = exchange(&transport, request(Method::HEAD, &server.url(), ())).await?;
    same("the body", head.text(), "")?;
    same("Content-Length", head.header("content-length").as_deref(), Some("100"))?;
    same("a header", head.header("x-id").as_deref(), Some("7"))?;
    let chunked = exchange(&transport, request(Method::HEAD, &server.url(), ())).await?;
    same("the body", chunked.text(), "")
}

/// RFC 9112, section 6.3.
async fn a_204_has_no_body(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::status(204)).await?;
    same("status and body", (answer.status.as_u16(), answer.text()), (204, String::new()))
}

/// RFC 9112, section 6.3: whatever length it has.
async fn a_304_has_no_body(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::status(304).header("content-length", "100")).await?;
    same("status and body", (answer.status.as_u16(), answer.text()), (304, String::new()))
}

async fn interim(bench: &Bench, reply: Reply) -> Verdict {
    let answer = answer(bench, reply).await?;
    same("status and body", (answer.status.as_u16(), answer.text()), (200, "hello".to_owned()))?;
    same("a header of the interim response", answer.header("link"), None)
}

/// RFC 9110, section 15.2: though nobody asked for it.
async fn a_100_is_skipped(bench: &Bench) -> Verdict {
    interim(bench, Reply::ok("hello").interim(100, [("x-a", "b")])).await
}

/// RFC 8297.
async fn a_103_is_skipped(bench: &Bench) -> Verdict {
    interim(bench, Reply::ok("hello").interim(103, [("link", "</style.css>; rel=preload")])).await
}

async fn many_interim_responses_are_skipped(bench: &Bench) -> Verdict {
    let reply = (0..10).fold(Reply::ok("hello"), |reply, _| reply.interim(103, [("link", "</a>")]));
    interim(bench, reply.interim(102, [("x-a", "b")])).await
}

/// RFC 9110, section 6.5.
async fn trailers_of_a_response_pass(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").trailer("x-sum", "7"));
    let mut body = bench.common()?.send(get(&server.url())).await?.into_body();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        trailers = frame?.into_trailers().ok().or(trailers);
    }
    let seen = trailers.as_ref().and_then(|trailers: &HeaderMap| trailers.get("x-sum"));
    same("the trailer", seen.map(|value| value.as_bytes()), Some(&b"7"[..]))
}

/// RFC 9112, section 6.3: or it is an error, for it may be an attack.
async fn chunks_win_over_a_length(bench: &Bench) -> Verdict {
    let raw = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
        5\r\nhello\r\n0\r\n\r\n";
    match answer(bench, Reply::raw(raw)).await {
        Ok(answer) => same("the body", answer.text(), "hello"),
        Err(Error::Transport(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn any_status_is_a_response(bench: &Bench) -> Verdict {
    for status in [200, 206, 299, 400, 404, 418, 451, 500, 501, 511, 599] {
        let answer = answer(bench, Reply::status(status).body("told")).await?;
        same(
            "status and body",
            (answer.status.as_u16(), answer.text()),
            (status, "told".to_owned()),
        )?;
    }
    Ok(())
}

async fn an_http_1_0_response_is_read(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::raw("HTTP/1.0 200 OK\r\n\r\nhello"));
    let response = bench.common()?.send(get(&server.url())).await?;
    same("the version", response.version(), Version::HTTP_10)?;
    same("the body", read(response).await?.text(), "hello")
}

/// RFC 9110, section 5.3. `Set-Cookie` cannot be put together.
async fn a_header_of_many_values_keeps_them_in_order(bench: &Bench) -> Verdict {
    let reply =
        Reply::ok("").header("set-cookie", "b=1").header("x-id", "7").header("Set-Cookie", "a=2");
    let answer = answer(bench, reply).await?;
    let values = answer.headers.get_all("set-cookie").iter().map(|value| value.as_bytes());
    same("the values", Vec::from_iter(values), [&b"b=1"[..], b"a=2"])
}

async fn names_of_headers_are_found_in_any_case(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::ok("").header("X-MiXeD-CaSe", "7")).await?;
    same("the header", answer.header("x-mixed-case").as_deref(), Some("7"))
}

async fn an_empty_value_is_one(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::ok("").header("x-empty", "")).await?;
    same("the header", answer.header("x-empty").as_deref(), Some(""))
}

async fn bytes_beyond_ascii_in_a_value_are_kept(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::ok("").header("x-name", b"caf\xe9")).await?;
    let value = answer.headers.get("x-name").map(|value| value.as_bytes());
    same("the header", value, Some(&b"caf\xe9"[..]))
}

async fn a_long_header_is_read(bench: &Bench) -> Verdict {
    let answer = answer(bench, Reply::ok("").header("x-long", vec![b'x'; 32 * 1024])).await?;
    same("its length", answer.header("x-long").map(|value| value.len()), Some(32 * 1024))
}

async fn before_the_body(bench: &Bench, reply: fn(Reply) -> Reply) -> Verdict {
    let gate = Gate::new();
    let server = FaultServer::always(reply(Reply::ok("hello").hold_body(&gate)));
    let response = bench.common()?.send(get(&server.url())).await?;
    same("the status", response.status().as_u16(), 200)?;
    gate.open();
    same("the body", read(response).await?.text(), "hello")
}

/// A response is there when its head is, however long the body takes.
async fn the_head_is_delivered_before_the_body(bench: &Bench) -> Verdict {
    before_the_body(bench, |reply| reply).await
}

async fn the_head_is_delivered_before_a_body_without_framing(bench: &Bench) -> Verdict {
    before_the_body(bench, |reply| reply.until_close().close()).await
}

/// Events that a server sends now and then arrive when they are sent.
async fn a_piece_is_delivered_before_the_next(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let reply = Reply::ok("").chunked(["one", "two"]).hold_body_after(3, &gate);
    let server = FaultServer::always(reply);
    let mut body = bench.common()?.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "one")?;
    gate.open();
    let rest: Body = body;
    same("the rest", rest.collect(100).await.map_err(Failure::from)?, "two")?;
    ensure(server.request_count() == 1, "expected one request, saw more")
}
