//! What goes wrong over HTTP/2, and whether the request counts as sent.

use midil_http_core::TransportErrorKind::{self, Closed, Protocol, Refused, Reset};
use midil_http_core::{Request, Sent, Transport as _};

use super::knowing;
use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, post, read};
use crate::conformance::uploads::once;
use crate::conformance::verdict::{Verdict, error_of, same, transport_error};
use crate::fault_server::{Cut, Http2Reply, Http2Server};

cases!["HTTP/2":
    a_refused_stream_was_not_sent,
    a_refused_stream_is_not_resent,
    a_goaway_before_the_stream_says_that_it_was_not_sent,
    a_goaway_after_the_stream_lets_it_end,
    a_goaway_between_calls_costs_nothing,
    a_stream_reset_before_the_head_may_have_been_sent,
    a_connection_cut_before_the_head_may_have_been_sent,
    a_head_that_does_not_decode_is_an_error,
    a_body_that_is_reset_over_http_2_is_an_error,
    a_body_that_is_reset_without_a_reason_is_an_error,
    a_body_whose_connection_ends_over_http_2_is_an_error,
];

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;

fn requests(url: &str) -> [Request; 3] {
    [get(url), post(url, "bytes"), post(url, once(&["a", "b"]))]
}

async fn before_the_head(
    bench: &Bench,
    reply: Http2Reply,
    kinds: &[TransportErrorKind],
    sent: Sent,
) -> Verdict {
    let transport = knowing(bench)?;
    let server = Http2Server::start(reply);
    for request in requests(&server.url()) {
        let error = error_of(exchange(&transport, request).await)?;
        transport_error(&error, kinds, sent)?;
    }
    Ok(())
}

/// RFC 9113, section 8.7: any method may be sent again. By whom, is for the client to say.
async fn a_refused_stream_was_not_sent(bench: &Bench) -> Verdict {
    before_the_head(bench, Http2Reply::refused(), &[Refused], Sent::No).await
}

async fn a_refused_stream_is_not_resent(bench: &Bench) -> Verdict {
    let transport = knowing(bench)?;
    let make: [fn(&str) -> Request; 2] = [get, |url| post(url, "bytes")];
    for make in make {
        let server = Http2Server::start([Http2Reply::refused(), Http2Reply::ok("another")]);
        error_of(exchange(&transport, make(&server.url())).await)?;
        bench.settle().await?;
        same("the requests at the server", server.request_count(), 1)?;
    }
    Ok(())
}

/// RFC 9113, section 6.8.
async fn a_goaway_before_the_stream_says_that_it_was_not_sent(bench: &Bench) -> Verdict {
    for reason in [NO_ERROR, INTERNAL_ERROR] {
        before_the_head(bench, Http2Reply::unprocessed(reason), &[Refused], Sent::No).await?;
    }
    Ok(())
}

async fn a_goaway_after_the_stream_lets_it_end(bench: &Bench) -> Verdict {
    let server =
        Http2Server::start([Http2Reply::ok("hello").go_away(NO_ERROR), Http2Reply::ok("next")]);
    let transport = knowing(bench)?;
    same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    bench.until("the connection's end", || server.open_connections() == 0).await;
    bench.settle().await?;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")?;
    same("the connections", server.connections(), 2)
}

/// As a server does that is about to restart.
async fn a_goaway_between_calls_costs_nothing(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello").go_away(NO_ERROR));
    let transport = knowing(bench)?;
    for (count, request) in (0..3).flat_map(|_| requests(&server.url())).enumerate() {
        same("the body", exchange(&transport, request).await?.text(), "hello")?;
        bench.until("the connection's end", || server.open_connections() == 0).await;
        bench.settle().await?;
        same("the requests", server.request_count(), count + 1)?;
    }
    Ok(())
}

async fn a_stream_reset_before_the_head_may_have_been_sent(bench: &Bench) -> Verdict {
    let reply = Http2Reply::reset_before_head(INTERNAL_ERROR);
    before_the_head(bench, reply, &[Reset], Sent::Maybe).await
}

async fn a_connection_cut_before_the_head_may_have_been_sent(bench: &Bench) -> Verdict {
    for cut in [Cut::Close, Cut::Reset] {
        let reply = Http2Reply::cut_before_head(cut);
        before_the_head(bench, reply, &[Closed, Reset], Sent::Maybe).await?;
    }
    Ok(())
}

async fn a_head_that_does_not_decode_is_an_error(bench: &Bench) -> Verdict {
    before_the_head(bench, Http2Reply::garbage(), &[Protocol], Sent::Maybe).await
}

async fn within_the_body(bench: &Bench, reply: Http2Reply) -> Verdict {
    let transport = knowing(bench)?;
    let server = Http2Server::start(reply);
    for request in requests(&server.url()) {
        let response = transport.send(request).await?;
        let error = error_of(read(response).await)?;
        transport_error(&error, &[Reset, Closed], Sent::Maybe)?;
    }
    Ok(())
}

async fn a_body_that_is_reset_over_http_2_is_an_error(bench: &Bench) -> Verdict {
    within_the_body(bench, Http2Reply::ok("hello").reset_body_after(2, INTERNAL_ERROR)).await
}

/// Trailers are to come, so there is no length that would tell.
async fn a_body_that_is_reset_without_a_reason_is_an_error(bench: &Bench) -> Verdict {
    let reply = Http2Reply::ok("hello").reset_body_after(2, NO_ERROR);
    within_the_body(bench, reply.clone()).await?;
    within_the_body(bench, reply.trailer("x-sum", "7")).await
}

async fn a_body_whose_connection_ends_over_http_2_is_an_error(bench: &Bench) -> Verdict {
    within_the_body(bench, Http2Reply::ok("hello").cut_body_after(2, Cut::Close)).await?;
    let transport = knowing(bench)?;
    let server = Http2Server::start(Http2Reply::ok("hello").cut_body_after(2, Cut::Reset));
    for request in requests(&server.url()) {
        // Who writes into a connection that was reset need not see the head that came before.
        let read = async { read(transport.send(request).await?).await };
        transport_error(&error_of(read.await)?, &[Reset, Closed], Sent::Maybe)?;
    }
    Ok(())
}
