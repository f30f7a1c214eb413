//! Which connections are used again, which are not, and when they are closed.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use http::Method;
use midil_http_core::{Body, Request, Transport as _};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, piece, post, read, request};
use crate::conformance::uploads::{once, pieces};
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{Cut, FaultServer, Gate, Reply};

cases!["Connections":
    a_connection_is_used_again,
    a_connection_is_used_again_after_chunks,
    a_connection_is_used_again_after_an_upload,
    a_connection_is_used_again_after_a_head,
    a_connection_is_used_again_after_a_204,
    a_connection_is_used_again_after_an_error_status,
    a_connection_that_is_to_close_is_not_used_again,
    a_connection_whose_body_was_dropped_is_not_used_again,
    a_connection_that_failed_is_not_used_again,
    a_get_over_a_connection_that_went_stale_costs_nothing,
    a_post_over_a_connection_that_went_stale_costs_nothing,
    a_stream_over_a_connection_that_went_stale_costs_nothing,
    a_connection_that_was_idle_for_too_long_is_not_used_again,
    no_connection_is_kept_where_none_may_be,
    more_connections_than_may_be_kept_are_closed,
    kept_connections_are_counted_over_all_servers,
    many_calls_at_once_come_to_their_own_answers,
    servers_are_not_mixed_up,
    a_transport_that_is_dropped_closes_its_connections,
    a_transport_that_is_closed_goes_on,
];

/// The number of calls that are made in a row.
const ROUNDS: usize = 10;

/// Many calls, one connection.
async fn one_connection(bench: &Bench, reply: Reply, make: fn(&str) -> Request) -> Verdict {
    let server = FaultServer::always(reply);
    let transport = bench.transport()?;
    for _ in 0..ROUNDS {
        exchange(&transport, make(&server.url())).await?;
        bench.settle().await?;
    }
    let seen = (server.request_count(), server.connections());
    same("requests and connections", seen, (ROUNDS, 1))
}

/// RFC 9112, section 9.3.
async fn a_connection_is_used_again(bench: &Bench) -> Verdict {
    one_connection(bench, Reply::ok("hello"), get).await
}

async fn a_connection_is_used_again_after_chunks(bench: &Bench) -> Verdict {
    let reply = Reply::ok("").chunked(["one", "two"]).trailer("x-sum", "7");
    one_connection(bench, reply, get).await
}

async fn a_connection_is_used_again_after_an_upload(bench: &Bench) -> Verdict {
    let upload = |url: &str| {
        let body = Body::replayable(Some(6), || pieces(&["abc", "def"]));
        request(Method::PUT, url, body)
    };
    one_connection(bench, Reply::ok("hello"), upload).await
}

async fn a_connection_is_used_again_after_a_head(bench: &Bench) -> Verdict {
    let head = |url: &str| request(Method::HEAD, url, ());
    one_connection(bench, Reply::ok("").header("content-length", "100"), head).await
}

async fn a_connection_is_used_again_after_a_204(bench: &Bench) -> Verdict {
    one_connection(bench, Reply::status(204), |url| request(Method::DELETE, url, ())).await
}

async fn a_connection_is_used_again_after_an_error_status(bench: &Bench) -> Verdict {
    one_connection(bench, Reply::status(500).body("broken"), get).await
}

/// RFC 9112, section 9.6.
async fn a_connection_that_is_to_close_is_not_used_again(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").header("connection", "close").keep_alive());
    let transport = bench.transport()?;
    for _ in 0..3 {
        exchange(&transport, get(&server.url())).await?;
        bench.settle().await?;
    }
    same("the connections", server.connections(), 3)?;
    bench.until("the connections' end", || server.open_connections() == 0).await;
    Ok(())
}

/// Who drops a body does not want to wait for the rest of it.
async fn a_connection_whose_body_was_dropped_is_not_used_again(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::ok("hello").stall_body_after(2), Reply::ok("next")]);
    let transport = bench.transport()?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "he")?;
    drop(body);
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")?;
    same("the connections", server.connections(), 2)
}

async fn a_connection_that_failed_is_not_used_again(bench: &Bench) -> Verdict {
    let fault = Reply::raw(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nno size\r\n",
    );
    let server = FaultServer::start([fault.keep_alive(), Reply::ok("next")]);
    let transport = bench.transport()?;
    let _ = exchange(&transport, get(&server.url())).await;
    same("the next body", exchange(&transport, get(&server.url())).await?.text(), "next")?;
    same("the connections", server.connections(), 2)
}

/// The server says keep-alive and closes; its end has arrived when the next call begins.
async fn gone_stale(bench: &Bench, make: fn(&str) -> Request) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").close_silently());
    let transport = bench.transport()?;
    for count in 1..=2 * ROUNDS {
        let answer = exchange(&transport, make(&server.url())).await?;
        same("the body", answer.text(), "hello")?;
        bench.until("the connection's end", || server.open_connections() == 0).await;
        bench.settle().await?;
        same("the requests", server.request_count(), count)?;
    }
    Ok(())
}

async fn a_get_over_a_connection_that_went_stale_costs_nothing(bench: &Bench) -> Verdict {
    gone_stale(bench, get).await
}

async fn a_post_over_a_connection_that_went_stale_costs_nothing(bench: &Bench) -> Verdict {
    gone_stale(bench, |url| post(url, "bytes")).await
}

async fn a_stream_over_a_connection_that_went_stale_costs_nothing(bench: &Bench) -> Verdict {
    gone_stale(bench, |url| post(url, once(&["a", "b"]))).await
}

/// DESIGN, section 5, "Limits": `keepalive_expiry`.
async fn a_connection_that_was_idle_for_too_long_is_not_used_again(bench: &Bench) -> Verdict {
    const EXPIRY: Duration = Duration::from_millis(1);
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = bench.transport_with(|settings| settings.keepalive_expiry = EXPIRY)?;
    for _ in 0..3 {
        exchange(&transport, get(&server.url())).await?;
        let idle = Instant::now();
        while idle.elapsed() < 10 * EXPIRY {
            bench.settle().await?;
        }
    }
    same("the connections", server.connections(), 3)
}

async fn no_connection_is_kept_where_none_may_be(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = bench.transport_with(|settings| settings.max_keepalive_connections = 0)?;
    for _ in 0..3 {
        exchange(&transport, get(&server.url())).await?;
        bench.settle().await?;
    }
    same("the connections", server.connections(), 3)?;
    bench.until("the connections' end", || server.open_connections() == 0).await;
    Ok(())
}

async fn more_connections_than_may_be_kept_are_closed(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hello").hold(&gate));
    let transport = bench.transport_with(|settings| settings.max_keepalive_connections = 2)?;
    let calls = join_all((0..5).map(|_| exchange(&transport, get(&server.url()))));
    let opening = async {
        bench.until("five requests", || server.request_count() == 5).await;
        gate.open();
    };
    let (answers, ()) = join(calls, opening).await;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    bench.until("two connections to be left", || server.open_connections() == 2).await;
    Ok(())
}

async fn kept_connections_are_counted_over_all_servers(bench: &Bench) -> Verdict {
    let servers = [0; 3].map(|_| FaultServer::always(Reply::ok("hello")));
    let transport = bench.transport_with(|settings| settings.max_keepalive_connections = 1)?;
    for server in &servers {
        exchange(&transport, get(&server.url())).await?;
        bench.settle().await?;
    }
    let open = servers.iter().map(FaultServer::open_connections).sum::<usize>();
    ensure(open <= 1, format!("expected one connection to be kept, saw {open}"))
}

async fn many_calls_at_once_come_to_their_own_answers(bench: &Bench) -> Verdict {
    const CALLS: usize = 64;
    let gate = Gate::new();
    let held = gate.clone();
    let server = FaultServer::respond_with(move |request| Reply::ok(request.target()).hold(&held));
    let transport = bench.transport()?;
    let call = |index: usize| {
        let (transport, url) = (&transport, format!("{}/{index}", server.url()));
        async move { exchange(transport, get(&url)).await.map(|answer| (index, answer.text())) }
    };
    let calls = join_all((0..CALLS).map(call));
    let opening = async {
        bench.until("all requests at once", || server.request_count() == CALLS).await;
        gate.open();
    };
    let (answers, ()) = join(calls, opening).await;
    for answer in answers {
        let (index, text) = answer?;
        same("the answer", text, format!("/{index}"))?;
    }
    same("the requests", server.request_count(), CALLS)
}

async fn servers_are_not_mixed_up(bench: &Bench) -> Verdict {
    let servers = ["one", "two", "three"].map(|name| (name, FaultServer::always(Reply::ok(name))));
    let transport = bench.transport()?;
    for _ in 0..3 {
        for (name, server) in &servers {
            same("the body", exchange(&transport, get(&server.url())).await?.text(), *name)?;
        }
    }
    Ok(())
}

/// Nothing is left behind, whatever the calls came to.
async fn a_transport_that_is_dropped_closes_its_connections(bench: &Bench) -> Verdict {
    let server = FaultServer::start([
        Reply::ok("hello"),
        Reply::ok("hello").cut_body_after(2, Cut::Stall),
        Reply::ok("hello"),
    ]);
    let transport = bench.transport()?;
    read(transport.send(get(&server.url())).await?).await?;
    drop(transport.send(get(&server.url())).await?);
    read(transport.send(post(&server.url(), "bytes")).await?).await.map_err(Failure::from)?;
    drop(transport);
    bench.until("all connections' end", || server.open_connections() == 0).await;
    Ok(())
}

/// Another client may have the same transport: what is in flight ends as it would have, and what comes later is served.
async fn a_transport_that_is_closed_goes_on(bench: &Bench) -> Verdict {
    let gate = Gate::new();
    let server = FaultServer::start([
        Reply::ok("before"),
        Reply::ok("in flight").hold(&gate),
        Reply::ok("later"),
    ]);
    let transport = bench.transport()?;
    exchange(&transport, get(&server.url())).await?;
    let close = async {
        bench.until("the request", || server.request_count() == 2).await;
        transport.close().await;
        transport.close().await;
        gate.open();
    };
    let (in_flight, ()) = join(exchange(&transport, get(&server.url())), close).await;
    same("what was in flight", in_flight?.text(), "in flight")?;
    same("what came later", exchange(&transport, get(&server.url())).await?.text(), "later")
}
