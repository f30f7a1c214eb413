//! Hedging over real sockets, and what is told of it.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::time::Duration;

use midil_http::Hedge;
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Gate, Reply};

use crate::support::whole::{of, on_the_wire, until};

#[test]
fn the_loser_is_dropped_and_its_connection_closed() {
    for hedge_wins in [true, false] {
        on_the_wire(async {
            let (held, then) = (Gate::new(), Gate::new());
            let server = FaultServer::sequence([
                Reply::ok("the request").hold(&held),
                Reply::ok("the hedge").hold(&then),
            ]);
            let runtime = ManualRuntime::new();
            let hedge = Hedge::new(Duration::from_millis(100));
            let client = of(&server)
                .runtime(runtime.clone())
                .attempt_middleware(hedge.clone())
                .build()
                .unwrap();
            let call = tokio::spawn(async move { client.get("/").send().await?.text().await });
            until(|| server.request_count() == 1).await;
            runtime.advance(Duration::from_millis(100));
            until(|| server.request_count() == 2).await;
            assert_eq!(server.open_connections(), 2);
            let (winner, expected) =
                if hedge_wins { (&then, "the hedge") } else { (&held, "the request") };
            winner.open();
            assert_eq!(call.await.unwrap().unwrap(), expected);
            // The winner's connection is kept, or closed with the client; the loser's is closed while it is held.
            until(|| server.open_connections() <= 1).await;
            let state = hedge.state(&server.url());
            assert_eq!((state.sent, state.won), (1, u64::from(hedge_wins)));
        });
    }
}

#[test]
fn what_is_answered_in_time_goes_over_one_connection() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("quick"));
        let hedge = Hedge::new(Duration::from_millis(100));
        let client = of(&server).attempt_middleware(hedge.clone()).build().unwrap();
        for _ in 0..20 {
            client.get("/").send().await.unwrap().text().await.unwrap();
        }
        assert_eq!((server.connections(), server.request_count()), (1, 20));
        assert_eq!(hedge.state(&server.url()).sent, 0);
    });
}
