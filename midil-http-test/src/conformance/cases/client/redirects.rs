//! Redirects are the client's.

use midil_http_core::{Body, Error, HttpClient, Redirect, Response};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::uploads::{once, pieces};
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Client":
    the_client_follows_a_redirect,
    the_client_turns_a_post_into_a_get_on_a_303,
    the_client_replays_bytes_on_a_307,
    the_client_replays_a_replayable_body_on_a_308,
    the_client_returns_a_307_whose_stream_was_read,
    the_client_returns_a_redirect_to_another_origin,
    the_client_leaves_credentials_behind_on_another_origin,
    the_client_ends_a_loop_of_redirects,
    the_client_uses_one_connection_for_all_hops,
];

fn to(status: u16, location: &str) -> Reply {
    Reply::status(status).header("location", location).body("moved")
}

fn ending_at(status: u16) -> FaultServer {
    FaultServer::start([to(status, "/b"), Reply::ok("arrived")])
}

async fn arrived(response: Response) -> Verdict {
    same("the last URL", response.url().path(), "/b")?;
    same("the body", response.text().await?, "arrived")
}

async fn the_client_follows_a_redirect(bench: &Bench) -> Verdict {
    for status in [301, 302, 303, 307, 308] {
        let server = ending_at(status);
        let client = bench.client(&server)?.build()?;
        arrived(client.get("/a").send().await?).await?;
        same("the requests", server.request_count(), 2)?;
    }
    Ok(())
}

/// RFC 9110, section 15.4.4.
async fn the_client_turns_a_post_into_a_get_on_a_303(bench: &Bench) -> Verdict {
    let server = ending_at(303);
    let client = bench.client(&server)?.build()?;
    arrived(client.post("/a").body("bytes").send().await?).await?;
    let second = &server.requests()[1];
    let seen = (second.method(), second.header("content-type"), second.body());
    same("method, Content-Type and body", seen, ("GET", None, &b""[..]))
}

async fn replayed(bench: &Bench, status: u16, body: Body) -> Verdict {
    let server = ending_at(status);
    let client = bench.client(&server)?.build()?;
    arrived(client.post("/a").body(body).send().await?).await?;
    for request in server.requests() {
        same("method and body", (request.method(), request.body()), ("POST", &b"abc"[..]))?;
    }
    same("the requests", server.request_count(), 2)
}

/// RFC 9110, section 15.4.8.
async fn the_client_replays_bytes_on_a_307(bench: &Bench) -> Verdict {
    replayed(bench, 307, Body::from("abc")).await
}

async fn the_client_replays_a_replayable_body_on_a_308(bench: &Bench) -> Verdict {
    replayed(bench, 308, Body::replayable(Some(3), || pieces(&["ab", "c"]))).await
}

/// It cannot be sent again, and nobody is told that it was.
async fn the_client_returns_a_307_whose_stream_was_read(bench: &Bench) -> Verdict {
    let server = ending_at(307);
    let client = bench.client(&server)?.build()?;
    let response = client.post("/a").body(once(&["ab", "c"])).send().await?;
    same("the status", response.status().as_u16(), 307)?;
    same("the body", response.text().await?, "moved")?;
    same("the requests", server.request_count(), 1)
}

async fn the_client_returns_a_redirect_to_another_origin(bench: &Bench) -> Verdict {
    let other = FaultServer::always(Reply::ok("another server"));
    let server = FaultServer::always(to(302, &other.url()));
    let client = bench.client(&server)?.build()?;
    let response = client.get("/a").send().await?;
    same("the status", response.status().as_u16(), 302)?;
    same("the requests at the other server", other.request_count(), 0)
}

async fn the_client_leaves_credentials_behind_on_another_origin(bench: &Bench) -> Verdict {
    let other = FaultServer::always(Reply::ok("another server"));
    let server = FaultServer::always(to(307, &other.url()));
    let client = bench.client(&server)?.redirect(Redirect::any()).build()?;
    let request =
        client.get("/a").header("authorization", "Bearer hunter2").cookie("id", "hunter2");
    same("the body", request.header("x-id", "7").send().await?.text().await?, "another server")?;
    let there = &other.requests()[0];
    same("another header", there.header("x-id"), Some("7"))?;
    let head = String::from_utf8_lossy(there.head_bytes());
    ensure(!head.contains("hunter2"), "expected no credentials at the other server, saw some")
}

async fn the_client_ends_a_loop_of_redirects(bench: &Bench) -> Verdict {
    let server = FaultServer::always(to(302, "/a"));
    let client: HttpClient = bench.client(&server)?.redirect(Redirect::limit(3)).build()?;
    match client.get("/a").send().await {
        Err(Error::Redirect(_)) => same("the requests", server.request_count(), 4),
        Err(error) => Err(error.into()),
        Ok(response) => {
            Err(Failure(format!("expected Error::Redirect, saw {}", response.status())))
        }
    }
}

/// What is not returned is drained.
async fn the_client_uses_one_connection_for_all_hops(bench: &Bench) -> Verdict {
    let server = FaultServer::respond_with(|request| match request.target() {
        "/a" => to(302, "/c").body(vec![b'x'; 1024]),
        "/c" => to(307, "/b").body("").chunked(["moved ", "again"]),
        _ => Reply::ok("arrived"),
    });
    let client = bench.client(&server)?.build()?;
    arrived(client.get("/a").send().await?).await?;
    same("the requests", server.request_count(), 3)?;
    // One is what a transport on one thread needs; on several, one may not yet be back when the next hop begins.
    ensure(
        server.connections() <= 2,
        format!("expected a connection to be used again, saw {}", server.connections()),
    )
}
