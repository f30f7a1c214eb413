//! Many exchanges over one connection.

use futures_util::future::{join, join_all};
use midil_http_core::Transport as _;

use super::{knowing, knowing_with};
use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, piece, post};
use crate::conformance::uploads::counted;
use crate::conformance::verdict::{Verdict, same};
use crate::fault_server::{Gate, Http2Reply, Http2Server, Script};

cases!["HTTP/2":
    calls_at_once_share_a_connection,
    more_calls_than_the_server_allows_streams_wait,
    max_connections_counts_streams,
    dropping_the_call_resets_its_stream,
    dropping_the_body_resets_its_stream,
    dropping_an_upload_resets_its_stream,
    a_stream_that_is_dropped_spoils_no_other,
    a_stream_that_stalls_holds_up_no_other,
];

async fn calls_at_once_share_a_connection(bench: &Bench) -> Verdict {
    const CALLS: usize = 20;
    let gate = Gate::new();
    let held = gate.clone();
    let server = Http2Server::start(Script::respond_with(move |request| match request.target() {
        "/first" => Http2Reply::ok("hello"),
        target => Http2Reply::ok(target).hold(&held),
    }));
    let transport = knowing(bench)?;
    exchange(&transport, get(&format!("{}/first", server.url()))).await?;
    let call = |index: usize| {
        let (transport, url) = (&transport, format!("{}/{index}", server.url()));
        async move { exchange(transport, get(&url)).await.map(|answer| (index, answer.text())) }
    };
    let opening = async {
        bench.until("all requests", || server.request_count() == CALLS + 1).await;
        gate.open();
    };
    let (answers, ()) = join(join_all((0..CALLS).map(call)), opening).await;
    for answer in answers {
        let (index, text) = answer?;
        same("the answer", text, format!("/{index}"))?;
    }
    same("the connections", server.connections(), 1)
}

/// RFC 9113, section 5.1.2.
async fn more_calls_than_the_server_allows_streams_wait(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello")).max_concurrent_streams(2);
    let transport = knowing(bench)?;
    // So that the client has heard of the limit.
    exchange(&transport, get(&server.url())).await?;
    let calls = join_all((0..10).map(|_| exchange(&transport, get(&server.url()))));
    for answer in calls.await {
        same("the body", answer?.text(), "hello")?;
    }
    same("the requests", server.request_count(), 11)
}

/// DESIGN, section 5, "Limits".
async fn max_connections_counts_streams(bench: &Bench) -> Verdict {
    const LIMIT: usize = 3;
    let gate = Gate::new();
    let server = Http2Server::start(Http2Reply::ok("hello").hold(&gate));
    let transport = knowing_with(bench, |settings| settings.max_connections = LIMIT)?;
    let calls = join_all((0..10).map(|_| exchange(&transport, get(&server.url()))));
    let watching = async {
        bench.until("three requests", || server.request_count() >= LIMIT).await;
        bench.settle().await?;
        let seen = same("the requests in flight", server.request_count(), LIMIT);
        gate.open();
        seen
    };
    let (answers, seen) = join(calls, watching).await;
    seen?;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    same("the requests", server.request_count(), 10)
}

/// RFC 9113, section 7: by `CANCEL`, most say. The connection lives: others are answered over it.
async fn dropping_the_call_resets_its_stream(bench: &Bench) -> Verdict {
    let server = Http2Server::start([Http2Reply::stall(), Http2Reply::ok("hello")]);
    let transport = knowing(bench)?;
    let sending = transport.send(get(&server.url()));
    let stalled = bench.drive(sending, "a request", || server.request_count() == 1).await?;
    same("another body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    drop(stalled);
    bench.until("the stream's end", || !server.resets().is_empty()).await;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    same("the connections", server.connections(), 1)
}

async fn dropping_the_body_resets_its_stream(bench: &Bench) -> Verdict {
    let reply = Http2Reply::ok("hello").stall_body_after(2);
    let server = Http2Server::start([reply, Http2Reply::ok("hello")]);
    let transport = knowing(bench)?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "he")?;
    drop(body);
    bench.until("the stream's end", || !server.resets().is_empty()).await;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    same("the connections", server.connections(), 1)
}

async fn dropping_an_upload_resets_its_stream(bench: &Bench) -> Verdict {
    let server = Http2Server::start([Http2Reply::ok("never"), Http2Reply::ok("hello")]);
    let server = server.body_limit(0);
    let transport = knowing(bench)?;
    let (body, _) = counted(256 << 20);
    let sending = transport.send(post(&server.url(), body));
    drop(bench.drive(sending, "some of the upload", || server.body_bytes_received() > 0).await?);
    bench.until("the stream's end", || !server.resets().is_empty()).await;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "hello")
}

async fn a_stream_that_is_dropped_spoils_no_other(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let server = Http2Server::start([
        Http2Reply::ok("hello").hold_body_after(2, &gate),
        Http2Reply::ok("dropped").stall_body_after(2),
    ]);
    let transport = knowing(bench)?;
    let mut kept = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut kept).await?, "he")?;
    drop(transport.send(get(&server.url())).await?);
    bench.until("the stream's end", || !server.resets().is_empty()).await;
    gate.open();
    same("the rest", kept.collect(100).await?, "llo")
}

async fn a_stream_that_stalls_holds_up_no_other(bench: &Bench) -> Verdict {
    let server =
        Http2Server::start([Http2Reply::ok("stalls").stall_body_after(2), Http2Reply::ok("hello")]);
    let transport = knowing(bench)?;
    let stalled = transport.send(get(&server.url())).await?;
    same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    drop(stalled);
    same("the connections", server.connections(), 1)
}
