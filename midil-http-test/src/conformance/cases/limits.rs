//! Exchanges in flight, and who waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use midil_http_core::{Error, HttpClient, Phase, Sent, Transport};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, piece, read};
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{FaultServer, Gate, Reply};

cases!["Limits":
    no_more_exchanges_are_in_flight_than_allowed,
    a_place_is_held_to_the_end_of_the_body,
    a_body_that_was_read_frees_its_place,
    a_body_that_was_dropped_frees_its_place,
    an_error_before_the_head_frees_its_place,
    an_error_within_the_body_frees_its_place,
    a_call_that_was_dropped_frees_its_place,
    places_are_given_in_the_order_of_the_calls,
    who_leaves_the_queue_is_not_waited_for,
    a_timeout_in_the_queue_says_that_nothing_was_sent,
];

/// A transport with this many places.
fn limited(bench: &Bench, places: usize) -> Result<Arc<dyn Transport>, Error> {
    bench.transport_with(|settings| settings.max_connections = places)
}

/// As the server sees it.
async fn no_more_exchanges_are_in_flight_than_allowed(bench: &Bench) -> Verdict {
    const LIMIT: usize = 3;
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hello").hold(&gate));
    let transport = limited(bench, LIMIT)?;
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
    same("the requests", server.request_count(), 10)?;
    ensure(
        server.connections() <= LIMIT,
        format!("expected {LIMIT} connections at most, saw {}", server.connections()),
    )
}

async fn a_place_is_held_to_the_end_of_the_body(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let server =
        FaultServer::start([Reply::ok("hello").hold_body_after(2, &gate), Reply::ok("next")]);
    let transport = limited(bench, 1)?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "he")?;
    let watching = async {
        bench.settle().await?;
        let seen = same("the requests in flight", server.request_count(), 1);
        gate.open();
        same("the rest", body.collect(100).await?, "llo")?;
        seen
    };
    let (next, seen) = join(exchange(&transport, get(&server.url())), watching).await;
    seen?;
    same("the next body", next?.text(), "next")
}

/// At its end, not when it is dropped.
async fn a_body_that_was_read_frees_its_place(bench: &Bench) -> Verdict {
    for reply in [
        Reply::ok("hello"),
        Reply::ok("").chunked(["hello"]),
        Reply::ok("hello").until_close().close(),
    ] {
        let server = FaultServer::start([reply, Reply::ok("next")]);
        let transport = limited(bench, 1)?;
        let mut body = transport.send(get(&server.url())).await?.into_body();
        while body.chunk().await?.is_some() {}
        same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")?;
        drop(body);
    }
    Ok(())
}

async fn a_body_that_was_dropped_frees_its_place(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::ok("hello").stall_body_after(2), Reply::ok("next")]);
    let transport = limited(bench, 1)?;
    drop(transport.send(get(&server.url())).await?);
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")
}

async fn an_error_before_the_head_frees_its_place(bench: &Bench) -> Verdict {
    let server =
        FaultServer::start([Reply::close_before_head(), Reply::garbage(), Reply::ok("next")]);
    let (transport, port) = (limited(bench, 1)?, FaultServer::refusing());
    let _ = exchange(&transport, get(&port.url())).await;
    let _ = exchange(&transport, get(&server.url())).await;
    let _ = exchange(&transport, get(&server.url())).await;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")
}

/// At the error, not when the body is dropped.
async fn an_error_within_the_body_frees_its_place(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::ok("hello").content_length(100), Reply::ok("next")]);
    let transport = limited(bench, 1)?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    while let Ok(Some(_)) = body.chunk().await {}
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")?;
    drop(body);
    Ok(())
}

async fn a_call_that_was_dropped_frees_its_place(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::stall(), Reply::ok("next")]);
    let transport = limited(bench, 1)?;
    let sending = transport.send(get(&server.url()));
    drop(bench.drive(sending, "a request", || server.request_count() == 1).await?);
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")
}

async fn places_are_given_in_the_order_of_the_calls(bench: &Bench) -> Verdict {
    const CALLS: usize = 10;
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hello").hold(&gate));
    let transport = limited(bench, 1)?;
    let call = |index: usize| {
        let (transport, url) = (&transport, format!("{}/{index}", server.url()));
        async move { read(transport.send(get(&url)).await?).await }
    };
    let opening = async {
        bench.until("the first request", || server.request_count() == 1).await;
        bench.settle().await?;
        gate.open();
        Verdict::Ok(())
    };
    let (answers, opened) = join(join_all((0..CALLS).map(call)), opening).await;
    opened?;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let order =
        server.requests().iter().map(|request| request.target().to_owned()).collect::<Vec<_>>();
    same("the order", order, (0..CALLS).map(|index| format!("/{index}")).collect::<Vec<_>>())
}

async fn who_leaves_the_queue_is_not_waited_for(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hello").hold(&gate));
    let transport = limited(bench, 1)?;
    let first = transport.send(get(&server.url()));
    let first = bench.drive(first, "the first request", || server.request_count() == 1).await?;
    let mut leaving = transport.send(get(&server.url()));
    ensure(
        (&mut leaving).now_or_never().is_none(),
        "expected the second call to wait, it did not",
    )?;
    drop(leaving);
    gate.open();
    read(first.await?).await?;
    read(transport.send(get(&server.url())).await?).await?;
    same("the requests", server.request_count(), 2)
}

/// DESIGN, section 5, "Circuit breaker": what is spent in a queue of our own is no fault of the server's.
async fn a_timeout_in_the_queue_says_that_nothing_was_sent(bench: &Bench) -> Verdict {
    const SHORT: Duration = Duration::from_millis(50);
    let gate = Gate::new();
    let server = FaultServer::start([Reply::ok("hello").hold(&gate), Reply::ok("next")]);
    let transport = limited(bench, 1)?;
    let first = transport.send(get(&server.url()));
    let first = bench.drive(first, "the first request", || server.request_count() == 1).await?;
    let client = HttpClient::builder(Arc::clone(&transport)).base_url(server.url());
    match client.timeout(SHORT).build()?.post("/").body("bytes").send().await {
        Err(Error::Timeout(error)) => {
            same("phase and sent", (error.phase(), error.sent()), (Phase::Queue, Sent::No))?;
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(Failure("expected Error::Timeout, saw no error".into())),
    }
    same("the requests", server.request_count(), 1)?;
    gate.open();
    read(first.await?).await?;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")
}
