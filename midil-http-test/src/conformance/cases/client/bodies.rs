//! What a client makes of responses.

use midil_http_core::Error;
use serde_json::{Value, json};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::verdict::{Failure, Verdict, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Client":
    the_client_exchanges_json,
    the_client_keeps_the_body_of_an_error_status,
    the_client_stops_at_max_response_bytes,
    the_client_sees_a_body_that_is_too_short,
    the_client_shares_connections_among_its_clones,
];

async fn the_client_exchanges_json(bench: &Bench) -> Verdict {
    let echo = |request: &crate::fault_server::Received| {
        Reply::ok(request.body()).header("content-type", "application/json")
    };
    let server = FaultServer::respond_with(echo);
    let client = bench.client(&server)?.build()?;
    let value = json!({"name": "Ada", "tags": ["a", "b"], "id": 7});
    let back: Value = client.post("/users").json(&value).send().await?.json().await?;
    same("the value", back, value)?;
    let request = &server.requests()[0];
    same("Content-Type", request.header("content-type"), Some("application/json"))
}

async fn the_client_keeps_the_body_of_an_error_status(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::status(422).header("x-id", "7").body("no such user"));
    let client = bench.client(&server)?.build()?;
    match client.get("/").send().await?.error_for_status().await {
        Err(Error::Status(error)) => {
            let seen = (error.status().as_u16(), error.text().into_owned());
            same("status and body", seen, (422, "no such user".to_owned()))
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err(Failure("expected Error::Status, saw no error".into())),
    }
}

async fn the_client_stops_at_max_response_bytes(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("").chunked([vec![b'x'; 1000], vec![b'x'; 1000]]));
    let client = bench.client(&server)?.max_response_bytes(1500).build()?;
    match client.get("/").send().await?.bytes().await {
        Err(Error::Limit(error)) => same("the setting", error.setting(), "max_response_bytes"),
        Err(error) => Err(error.into()),
        Ok(bytes) => Err(Failure(format!("expected Error::Limit, saw {} bytes", bytes.len()))),
    }
}

async fn the_client_sees_a_body_that_is_too_short(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").content_length(100));
    let client = bench.client(&server)?.build()?;
    match client.get("/").send().await?.text().await {
        Err(Error::Transport(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(text) => Err(Failure(format!("expected Error::Transport, saw {text:?}"))),
    }
}

async fn the_client_shares_connections_among_its_clones(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let client = bench.client(&server)?.build()?;
    for _ in 0..5 {
        same("the body", client.clone().get("/").send().await?.text().await?, "hello")?;
        bench.settle().await?;
    }
    same("the connections", server.connections(), 1)
}
