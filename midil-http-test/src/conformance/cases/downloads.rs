//! The body of a response: streaming, whole.

use midil_http_core::Transport as _;

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::firehose::Firehose;
use crate::conformance::requests::{exchange, get, piece};
use crate::conformance::uploads::block;
use crate::conformance::verdict::{Verdict, ensure, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Downloads":
    a_large_body_arrives_whole,
    a_body_of_many_chunks_arrives_whole,
    a_body_that_nobody_reads_stops_the_server,
    a_body_can_be_read_later,
    a_body_outlives_its_transport,
];

async fn a_large_body_arrives_whole(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(block(8 << 20)));
    let answer = exchange(&bench.transport()?, get(&server.url())).await?;
    ensure(
        answer.body == block(8 << 20),
        format!("expected 8 MiB as sent, saw {} bytes", answer.body.len()),
    )
}

async fn a_body_of_many_chunks_arrives_whole(bench: &Bench) -> Verdict {
    let chunks = (0..2_000_u32).map(|index| format!("{index},"));
    let whole = String::from_iter(chunks.clone());
    let server = FaultServer::always(Reply::ok("").chunked(chunks));
    let answer = exchange(&bench.transport()?, get(&server.url())).await?;
    ensure(
        answer.text() == whole,
        format!("expected {} bytes as sent, saw {}", whole.len(), answer.body.len()),
    )
}

/// Of a body of 1 TiB, no more is sent than buffers hold.
async fn a_body_that_nobody_reads_stops_the_server(bench: &Bench) -> Verdict {
    const BUFFERS: u64 = 24 << 20;
    let server = Firehose::start()?;
    let mut body = bench.transport()?.send(get(&server.url())).await?.into_body();
    piece(&mut body).await?;
    let sent = bench.still("the download", || server.sent()).await?;
    ensure(sent < BUFFERS, format!("expected at most {BUFFERS} bytes to be sent, saw {sent}"))?;
    for _ in 0..100 {
        piece(&mut body).await?;
    }
    drop(body);
    bench.until("the connection's end", || server.is_over()).await;
    Ok(())
}

/// Whoever holds a response need not be quick.
async fn a_body_can_be_read_later(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("").chunked(["one ", "two"]));
    let transport = bench.transport()?;
    let first = transport.send(get(&server.url())).await?;
    exchange(&transport, get(&server.url())).await?;
    bench.settle().await?;
    same("the body", first.into_body().collect(100).await?, "one two")
}

async fn a_body_outlives_its_transport(bench: &Bench) -> Verdict {
    let gate = crate::fault_server::Gate::new();
    let server = FaultServer::always(Reply::ok("hello").hold_body_after(2, &gate));
    let transport = bench.transport()?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "he")?;
    drop(transport);
    gate.open();
    same("the rest", body.collect(100).await?, "llo")
}
