//! Faults of a server × backends × calls: what the caller gets, after how many attempts, and what the server saw of it.
//!
//! The rows are in `faults/table.rs`, the calls in `faults/calls.rs`, the backends in `faults/backends.rs`. What must come of a
//! row and a call follows from the row, the call being idempotent, and its body being there to be sent again. On each row,
//! whatever it expects, a call that is not idempotent reaches a server that may act on it once at most.
#![cfg(all(feature = "reqwest", feature = "retry"))]

mod backends;
mod calls;
mod outcome;
mod over_http2;
mod table;

use std::sync::Arc;
use std::time::Duration;

use midil_http::{HttpClient, Transport};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::FaultServer;

use crate::support::whole::{by_default, on_the_wire, until_left};
use backends::{BACKENDS, Backend};
use calls::{CALLS, Call};
use outcome::{Came, Expected, Seen};
use table::{Connections, FAULTS, Fault, Stalls};

/// What the default strategy makes at most.
const MOST: usize = 3;

#[test]
fn every_fault_meets_every_call_over_every_backend() {
    for backend in BACKENDS {
        for fault in FAULTS {
            on_the_wire(async {
                let transport = backend.make();
                let mut servers = Vec::new();
                for call in CALLS {
                    let row = format!("{}, {}, {}", backend.name, fault.name, call.name);
                    let met = meet(backend, &transport, fault, call, &row);
                    let met = tokio::time::timeout(Duration::from_secs(10), met).await;
                    servers.push(met.unwrap_or_else(|_| panic!("{row}: it hangs")));
                }
                // Nothing is left behind, once the transport is gone.
                drop(transport);
                for server in &servers {
                    until_left(server).await;
                }
            });
        }
    }
}

/// Nothing is sent there, so not even a stream is touched, and any method may go again.
#[test]
fn a_port_where_nobody_listens_refuses_every_call() {
    for backend in BACKENDS {
        on_the_wire(async {
            let transport = backend.make();
            for call in CALLS {
                let port = FaultServer::refusing();
                let (http, _) = client(&transport, port.url());
                let seen = outcome::of((call.make)(&http).send()).await;
                let row = format!("{}, {}", backend.name, call.name);
                let expected = Expected::given_up(MOST, &table::REFUSED);
                assert!(backend.agrees(&expected, &seen), "{row}: {seen:?}");
            }
        });
    }
}

/// A client whose time stands still, with the default strategy, which does not wait.
fn client(transport: &Arc<dyn Transport>, url: String) -> (HttpClient, ManualRuntime) {
    let runtime = ManualRuntime::new();
    let http = HttpClient::builder(Arc::clone(transport)).base_url(url).retry(by_default()).seed(7);
    (http.runtime(runtime.clone()).build().expect("a good client"), runtime)
}

/// Lets `call` meet `fault`, and checks what comes of it.
async fn meet(
    backend: &Backend,
    transport: &Arc<dyn Transport>,
    fault: &Fault,
    call: &Call,
    row: &str,
) -> FaultServer {
    let server = FaultServer::start((fault.script)());
    let (http, runtime) = client(transport, server.url());
    if fault.after_another {
        let first = http.get("/").send().await.expect("the first call is answered");
        first.bytes().await.expect("to its end");
        if backend.sees_ends && fault.ends_idle {
            until_left(&server).await;
        }
        // What came in last has its turn, and then whoever waited for it.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    let before = Counts::of(&server);

    let call_of_it = (call.make)(&http).send();
    let seen = match fault.stalls {
        Stalls::Nowhere => outcome::of(call_of_it).await,
        Stalls::BeforeTheHead => {
            stalled(outcome::of(call_of_it), Some(fault.heals_after), &server, &runtime).await
        }
        Stalls::InTheBody => {
            let response = call_of_it.await;
            let body = outcome::of(async { response });
            stalled(body, None, &server, &runtime).await
        }
    };

    let (expected, attempts) = expected(fault, call);
    let healed = backend.heals.contains(&fault.name) && seen == Seen::AsItCame(Came::Status(200));
    let as_expected = healed || backend.agrees(&expected, &seen);
    assert!(as_expected || fault.is_a_race, "{row}: {seen:?}, not {expected:?}");

    let seen_by_server = Counts::of(&server).since(before);
    if !call.idempotent && !fault.says_unprocessed {
        assert!(seen_by_server.requests <= 1, "{row}: it reached the server twice");
    }
    if fault.is_a_race || healed {
        assert!(seen_by_server.requests <= MOST, "{row}: {seen_by_server:?}");
    } else {
        let requests = attempts - fault.unrecorded;
        assert_eq!(seen_by_server.requests, requests, "{row}: requests");
        if fault.reads {
            assert_eq!(seen_by_server.bytes, requests * call.length, "{row}: bytes");
        }
        let connections = match fault.connections {
            Connections::Same if (backend.reuses)(call) => usize::from(!fault.after_another),
            Connections::Same | Connections::New => requests,
        };
        assert_eq!(seen_by_server.connections, connections, "{row}: connections");
    }
    server
}

/// What must come of it, and after how many attempts.
fn expected<'a>(fault: &'a Fault, call: &Call) -> (Expected<'a>, usize) {
    let retried = match fault.retried {
        table::Retried::Always => true,
        table::Retried::IfIdempotent => call.idempotent,
        table::Retried::Never => false,
    };
    // Whatever reached a server took the stream with it.
    if !retried || call.is_stream {
        return (Expected::AsItCame(&fault.comes_to), 1);
    }
    if fault.is_hopeless {
        return (Expected::given_up(1, &fault.comes_to), 1);
    }
    if fault.heals_after < MOST {
        return (Expected::AsItCame(&table::WELL), fault.heals_after + 1);
    }
    (Expected::given_up(MOST, &fault.comes_to), MOST)
}

/// Lets time pass, for each of the first `stalls` requests, once it has arrived and nothing comes back; `None`: whenever
/// somebody waits.
async fn stalled(
    call: impl Future<Output = Seen> + Send + 'static,
    stalls: Option<usize>,
    server: &FaultServer,
    runtime: &ManualRuntime,
) -> Seen {
    let call = tokio::spawn(call);
    let mut timed_out = 0;
    while !call.is_finished() {
        let arrived = server.requests().iter().filter(|request| request.body_complete()).count();
        let is_due = stalls.is_none_or(|stalls| timed_out < stalls.min(arrived));
        if is_due && runtime.timers() > 0 {
            runtime.advance_to_next_timer();
            timed_out += 1;
        }
        tokio::task::yield_now().await;
    }
    call.await.expect("it does not panic")
}

/// What a server has seen.
#[derive(Debug, Clone, Copy)]
struct Counts {
    requests: usize,
    connections: usize,
    bytes: usize,
}

impl Counts {
    fn of(server: &FaultServer) -> Self {
        Self {
            requests: server.request_count(),
            connections: server.connections(),
            bytes: usize::try_from(server.body_bytes_received()).expect("few"),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            connections: self.connections - before.connections,
            bytes: self.bytes - before.bytes,
        }
    }
}
