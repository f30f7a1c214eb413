//! What is dropped is broken off.

use std::sync::Arc;

use midil_http_core::Transport as _;

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, piece, post};
use crate::conformance::uploads::{counted, unfinished};
use crate::conformance::verdict::{Verdict, ensure, same};
use crate::fault_server::{FaultServer, OnConnect, Reply, Script};

cases!["Cancelling":
    dropping_the_call_closes_the_connection,
    dropping_the_body_closes_the_connection,
    dropping_an_upload_closes_the_connection,
    dropping_an_upload_that_waits_for_its_stream_closes_the_connection,
    dropping_a_handshake_closes_the_connection,
    dropping_a_call_spoils_no_other,
];

async fn dropping_the_call_closes_the_connection(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::stall());
    let transport = bench.transport()?;
    let sending = transport.send(get(&server.url()));
    drop(bench.drive(sending, "a request", || server.request_count() == 1).await?);
    bench.until("the connection's end", || server.open_connections() == 0).await;
    same("the requests", server.request_count(), 1)
}

async fn dropping_the_body_closes_the_connection(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
    let transport = bench.transport()?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "he")?;
    drop(body);
    bench.until("the connection's end", || server.open_connections() == 0).await;
    Ok(())
}

async fn dropping_an_upload_closes_the_connection(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hi")).body_limit(0);
    let transport = bench.transport()?;
    let (body, _) = counted(256 << 20);
    let sending = transport.send(post(&server.url(), body));
    drop(bench.drive(sending, "some of the upload", || server.body_bytes_received() > 0).await?);
    bench.until("the connection's end", || server.open_connections() == 0).await;
    ensure(!server.requests()[0].body_complete(), "expected half an upload, saw a whole one")
}

async fn dropping_an_upload_that_waits_for_its_stream_closes_the_connection(
    bench: &Bench,
) -> Verdict {
    let server = FaultServer::always(Reply::ok("hi"));
    let transport = bench.transport()?;
    let sending = transport.send(post(&server.url(), unfinished()));
    drop(bench.drive(sending, "some of the upload", || server.body_bytes_received() > 0).await?);
    bench.until("the connection's end", || server.open_connections() == 0).await;
    ensure(!server.requests()[0].body_complete(), "expected half an upload, saw a whole one")
}

/// A connection that is being made may be kept for the next call, or not; it is not to wait for its timeout.
async fn dropping_a_handshake_closes_the_connection(bench: &Bench) -> Verdict {
    let server = FaultServer::start(Script::always(Reply::ok("")).on_connect([OnConnect::Stall]));
    let transport = bench.transport()?;
    let url = server.url().replace("http:", "https:");
    let sending = transport.send(get(&url));
    drop(bench.drive(sending, "a connection", || server.connections() == 1).await?);
    drop(transport);
    bench.until("the connection's end", || server.open_connections() == 0).await;
    Ok(())
}

async fn dropping_a_call_spoils_no_other(bench: &Bench) -> Verdict {
    let server = Arc::new(FaultServer::respond_with(|request| match request.target() {
        "/stall" => Reply::stall(),
        _ => Reply::ok("hello"),
    }));
    let transport = bench.transport()?;
    for count in 1..=10 {
        let sending = transport.send(get(&format!("{}/stall", server.url())));
        let seen = || server.request_count() == 2 * count - 1;
        drop(bench.drive(sending, "a request", seen).await?);
        same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    }
    Ok(())
}
