//! Timeouts are the client's. Sockets are real, and so is time here: what must fire has little, what must not has plenty.

use std::time::Duration;

use midil_http_core::{Error, HttpClientBuilder, Phase, TimeoutKind};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::uploads::counted;
use crate::conformance::verdict::{Failure, Verdict, chain, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Client":
    the_client_times_out_when_no_head_comes,
    the_client_times_out_when_a_body_stalls,
    the_client_times_out_when_nobody_reads_its_upload,
    the_client_lets_a_slow_body_live,
    the_client_bounds_the_body_by_the_total_timeout,
    the_client_closes_the_connection_of_a_timeout,
];

/// For what never comes, whatever came before it.
const SHORT: Duration = Duration::from_millis(50);

/// For what stalls after something came, which must have had the time.
const LONG: Duration = Duration::from_secs(1);

/// Which timeout this comes to.
fn timed_out<T>(outcome: Result<T, Error>) -> Result<(TimeoutKind, Phase), Failure> {
    match outcome {
        Err(Error::Timeout(error)) => Ok((error.kind(), error.phase())),
        Err(error) => Err(Failure(format!(
            "expected Error::Timeout, saw {}: {}",
            error.kind(),
            chain(&error)
        ))),
        Ok(_) => Err(Failure("expected Error::Timeout, saw no error".into())),
    }
}

async fn fetch(client: HttpClientBuilder) -> Result<String, Error> {
    client.build()?.get("/").send().await?.text().await
}

async fn the_client_times_out_when_no_head_comes(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::stall());
    let outcome = fetch(bench.client(&server)?.timeout(SHORT)).await;
    same("kind and phase", timed_out(outcome)?, (TimeoutKind::Progress, Phase::Head))
}

async fn the_client_times_out_when_a_body_stalls(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
    let outcome = fetch(bench.client(&server)?.timeout(LONG)).await;
    same("kind and phase", timed_out(outcome)?, (TimeoutKind::Progress, Phase::Body))
}

/// Once the buffers are full.
async fn the_client_times_out_when_nobody_reads_its_upload(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::stall().stop_reading());
    let client = bench.client(&server)?.timeout(LONG).build()?;
    let (body, _) = counted(256 << 20);
    let outcome = client.post("/").body(body).send().await;
    same("kind and phase", timed_out(outcome)?, (TimeoutKind::Progress, Phase::Send))
}

/// It takes longer than the timeout, and is never silent for that long.
async fn the_client_lets_a_slow_body_live(bench: &Bench) -> Verdict {
    const PIECES: usize = 40;
    let dripping = Reply::ok(vec![b'x'; PIECES]).drip(1, Duration::from_millis(30));
    let server = FaultServer::always(dripping);
    let text = fetch(bench.client(&server)?.timeout(LONG)).await?;
    same("the length of the body", text.len(), PIECES)
}

async fn the_client_bounds_the_body_by_the_total_timeout(bench: &Bench) -> Verdict {
    let dripping = Reply::ok(vec![b'x'; 1 << 20]).drip(1, Duration::from_millis(5));
    let server = FaultServer::always(dripping);
    let outcome = fetch(bench.client(&server)?.total_timeout(4 * SHORT)).await;
    same("kind", timed_out(outcome)?.0, TimeoutKind::Total)
}

async fn the_client_closes_the_connection_of_a_timeout(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
    let client = bench.client(&server)?.timeout(SHORT).build()?;
    timed_out(async { client.get("/").send().await?.text().await }.await)?;
    bench.until("the connection's end", || server.open_connections() == 0).await;
    Ok(())
}
