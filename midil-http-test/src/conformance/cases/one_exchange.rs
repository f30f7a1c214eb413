//! One request in, one exchange on the wire: nothing is followed, resent, decoded or remembered.

use midil_http_core::Request;

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{WithHeader as _, exchange, get, post};
use crate::conformance::uploads::once;
use crate::conformance::verdict::{Verdict, error_of, same};
use crate::fault_server::{FaultServer, Reply};

cases!["One exchange":
    a_301_is_not_followed,
    a_302_is_not_followed,
    a_303_is_not_followed,
    a_307_is_not_followed,
    a_308_is_not_followed,
    a_401_is_not_answered,
    a_408_is_not_resent,
    a_425_is_not_resent,
    a_429_is_not_resent,
    a_503_is_not_resent,
    a_get_that_was_closed_on_is_not_resent,
    a_post_that_was_closed_on_is_not_resent,
    a_get_that_was_reset_is_not_resent,
    a_post_that_was_reset_is_not_resent,
    a_get_on_a_used_connection_is_not_resent,
    a_post_on_a_used_connection_is_not_resent,
    a_stream_on_a_used_connection_is_not_resent,
    an_encoded_body_comes_as_it_is,
    cookies_are_not_kept,
    nothing_is_answered_from_a_cache,
];

/// The response comes as it is, to a GET and to a POST, and the server sees one request.
async fn returned(bench: &Bench, status: u16, header: (&str, &str)) -> Verdict {
    let transport = bench.common()?;
    let make: [fn(&str) -> Request; 2] = [get, |url| post(url, "bytes")];
    for make in make {
        let reply = Reply::status(status).header(header.0, header.1).body("as it came");
        let server = FaultServer::start([reply, Reply::ok("another")]);
        let answer = exchange(&transport, make(&server.url())).await?;
        bench.settle().await?;
        same("the status", answer.status.as_u16(), status)?;
        same("the body", answer.text(), "as it came")?;
        same("the header", answer.header(header.0).as_deref(), Some(header.1))?;
        same("the requests at the server", server.request_count(), 1)?;
    }
    Ok(())
}

const ELSEWHERE: (&str, &str) = ("location", "/elsewhere");

/// Redirects are the client's, which knows what may go where.
async fn a_301_is_not_followed(bench: &Bench) -> Verdict {
    returned(bench, 301, ELSEWHERE).await
}

async fn a_302_is_not_followed(bench: &Bench) -> Verdict {
    returned(bench, 302, ELSEWHERE).await
}

async fn a_303_is_not_followed(bench: &Bench) -> Verdict {
    returned(bench, 303, ELSEWHERE).await
}

async fn a_307_is_not_followed(bench: &Bench) -> Verdict {
    returned(bench, 307, ELSEWHERE).await
}

async fn a_308_is_not_followed(bench: &Bench) -> Verdict {
    returned(bench, 308, ELSEWHERE).await
}

/// Credentials are the client's.
async fn a_401_is_not_answered(bench: &Bench) -> Verdict {
    returned(bench, 401, ("www-authenticate", "Basic realm=\"here\"")).await
}

/// RFC 9110, section 15.5.9: the client may repeat it; who that is, is not for the stack to say.
async fn a_408_is_not_resent(bench: &Bench) -> Verdict {
    returned(bench, 408, ("connection", "close")).await
}

async fn a_425_is_not_resent(bench: &Bench) -> Verdict {
    returned(bench, 425, ("retry-after", "0")).await
}

async fn a_429_is_not_resent(bench: &Bench) -> Verdict {
    returned(bench, 429, ("retry-after", "0")).await
}

async fn a_503_is_not_resent(bench: &Bench) -> Verdict {
    returned(bench, 503, ("retry-after", "0")).await
}

/// The exchange fails, and the server sees the request once.
async fn sent_once(bench: &Bench, fault: Reply, make: fn(&str) -> Request) -> Verdict {
    let server = FaultServer::start([fault, Reply::ok("another")]);
    error_of(exchange(&bench.common()?, make(&server.url())).await)?;
    bench.settle().await?;
    same("the requests at the server", server.request_count(), 1)
}

async fn a_get_that_was_closed_on_is_not_resent(bench: &Bench) -> Verdict {
    sent_once(bench, Reply::close_before_head(), get).await
}

async fn a_post_that_was_closed_on_is_not_resent(bench: &Bench) -> Verdict {
    sent_once(bench, Reply::close_before_head(), |url| post(url, "bytes")).await
}

async fn a_get_that_was_reset_is_not_resent(bench: &Bench) -> Verdict {
    sent_once(bench, Reply::reset_before_head(), get).await
}

async fn a_post_that_was_reset_is_not_resent(bench: &Bench) -> Verdict {
    sent_once(bench, Reply::reset_before_head(), |url| post(url, "bytes")).await
}

/// The server takes the second request of a connection and closes it: to the client that looks like a connection that
/// had gone stale, but the server may have done what it was asked.
async fn sent_once_on_a_used_connection(bench: &Bench, make: fn(&str) -> Request) -> Verdict {
    let server =
        FaultServer::start([Reply::ok("hello"), Reply::close_before_head(), Reply::ok("another")]);
    let transport = bench.common()?;
    exchange(&transport, get(&server.url())).await?;
    bench.settle().await?;
    error_of(exchange(&transport, make(&server.url())).await)?;
    bench.settle().await?;
    same("the requests at the server", server.request_count(), 2)
}

async fn a_get_on_a_used_connection_is_not_resent(bench: &Bench) -> Verdict {
    sent_once_on_a_used_connection(bench, get).await
}

async fn a_post_on_a_used_connection_is_not_resent(bench: &Bench) -> Verdict {
    sent_once_on_a_used_connection(bench, |url| post(url, "bytes")).await
}

async fn a_stream_on_a_used_connection_is_not_resent(bench: &Bench) -> Verdict {
    sent_once_on_a_used_connection(bench, |url| post(url, once(&["a", "b"]))).await
}

/// Decoding is the client's: encoding and length are those of the bytes that come.
async fn an_encoded_body_comes_as_it_is(bench: &Bench) -> Verdict {
    // "hello", as gzip writes it.
    const GZIP: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    let transport = bench.common()?;
    for encoding in ["gzip", "x-gzip", "deflate", "br", "zstd"] {
        let server = FaultServer::always(Reply::ok(GZIP).header("content-encoding", encoding));
        let request = get(&server.url()).with_header("accept-encoding", encoding);
        let answer = exchange(&transport, request).await?;
        same("Content-Encoding", answer.header("content-encoding").as_deref(), Some(encoding))?;
        same("Content-Length", answer.header("content-length"), Some(GZIP.len().to_string()))?;
        same("the body", answer.body, GZIP)?;
    }
    Ok(())
}

/// The jar is the client's.
async fn cookies_are_not_kept(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("").header("set-cookie", "a=b; Path=/"));
    let transport = bench.common()?;
    for _ in 0..2 {
        let answer = exchange(&transport, get(&server.url())).await?;
        same("Set-Cookie", answer.header("set-cookie").as_deref(), Some("a=b; Path=/"))?;
    }
    let sent = server.requests().iter().filter_map(|request| request.header("cookie")).count();
    same("the requests with a Cookie", sent, 0)
}

async fn nothing_is_answered_from_a_cache(bench: &Bench) -> Verdict {
    let fresh = |body: &str| {
        Reply::ok(body).header("cache-control", "max-age=3600").header("etag", "\"1\"")
    };
    let server = FaultServer::start([fresh("first"), fresh("second")]);
    let transport = bench.common()?;
    for body in ["first", "second"] {
        same("the body", exchange(&transport, get(&server.url())).await?.text(), body)?;
    }
    same("If-None-Match", server.requests()[1].header("if-none-match"), None)
}
