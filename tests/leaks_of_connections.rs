//! Faults leave nothing behind: connections, tasks, threads and file descriptors are counted before and after 10 000 calls that
//! went wrong, for each backend.
//!
//! A program of its own, for it counts what the whole process has. The server is in it, so what it holds is counted, too.
#![cfg(all(target_os = "linux", feature = "reqwest", feature = "retry"))]

use std::fs;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use midil_http::{
    Body, DefaultRetryStrategy, Error, HttpClient, RequestBuilder, ReqwestTransport, Retry,
    Transport,
};
use midil_http_test::fault_server::{ChunkFault, Cut, FaultServer, Reply, Script};

type Make = fn() -> Result<Arc<dyn Transport>, Error>;

/// One entry for each.
const BACKENDS: &[(&str, Make)] = &[
    ("reqwest", || Ok(Arc::new(ReqwestTransport::try_new()?))),
    #[cfg(feature = "hyper")]
    ("hyper", || Ok(Arc::new(midil_http::HyperTransport::try_new()?))),
    #[cfg(feature = "isahc")]
    ("isahc", || Ok(Arc::new(midil_http::IsahcTransport::try_new()?))),
];

const CALLS: usize = 10_000;
const AT_A_TIME: usize = 16;

/// What a process may leak.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Held {
    open_connections: usize,
    tasks: usize,
    threads: usize,
    descriptors: usize,
}

impl Held {
    fn now(server: &FaultServer) -> Self {
        let count = |folder| fs::read_dir(folder).expect("there is a /proc").count();
        Self {
            open_connections: server.open_connections(),
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
        }
    }

    /// The lesser of each.
    fn least(self, other: Self) -> Self {
        Self {
            open_connections: self.open_connections.min(other.open_connections),
            tasks: self.tasks.min(other.tasks),
            threads: self.threads.min(other.threads),
            descriptors: self.descriptors.min(other.descriptors),
        }
    }
}

/// One fault after the other, in between a reply that is as it should be.
fn faults() -> Script {
    let chunks = || Reply::ok("").chunked(["one", "two"]);
    let replies = [
        Reply::ok("hello"),
        Reply::close_before_head(),
        Reply::reset_before_head(),
        Reply::ok("hello").cut_head_after(12, Cut::Close),
        Reply::garbage(),
        Reply::ok("hello").cut_body_after(2, Cut::Close),
        Reply::ok("hello").cut_body_after(2, Cut::Reset),
        Reply::ok("hello").content_length(100),
        Reply::status(503),
        chunks().cut_body_after(4, Cut::Close),
        chunks().break_chunk(ChunkFault::Size),
        Reply::stall(),
        Reply::ok("hello").stall_body_after(2),
        Reply::status(429).close_silently(),
        Reply::ok("hello").half_close(),
    ];
    let next = AtomicUsize::new(0);
    Script::respond_to_head(move |_| {
        replies[next.fetch_add(1, Ordering::Relaxed) % replies.len()].clone()
    })
}

/// Gets each kind of call.
fn call(http: &HttpClient, number: usize) -> RequestBuilder {
    match number % 4 {
        0 => http.get("/"),
        1 => http.put("/").body("hello"),
        2 => http.post("/").body("hello"),
        _ => {
            let pieces = stream::iter(["he", "llo"].map(Ok::<_, io::Error>));
            http.post("/").body(Body::stream(pieces))
        }
    }
}

/// Makes the call, reads it to its end, by half or not at all; gives up when it takes too many turns.
async fn suffer(http: &HttpClient, number: usize) {
    let exchange = async {
        let mut response = call(http, number).send().await?;
        match number % 3 {
            0 => drop(response.bytes().await?),
            1 => drop(response.chunk().await?),
            _ => {}
        }
        Ok::<_, Error>(())
    };
    // Whoever waits for a server that says nothing would wait for long; dropping a call is a way to end it, too.
    tokio::select! {
        outcome = exchange => drop(outcome),
        () = turns(500) => {}
    }
}

async fn turns(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

async fn ten_thousand(make: Make, server: &FaultServer, calls: usize) {
    let strategy = DefaultRetryStrategy::builder().backoff(|_: &Retry| Duration::ZERO).no_budget();
    let http = HttpClient::builder(make().expect("good settings"))
        .base_url(server.url())
        .retry(strategy.build().expect("a good strategy"))
        .seed(7)
        .build()
        .expect("a good client");
    stream::iter(0..calls).for_each_concurrent(AT_A_TIME, |number| suffer(&http, number)).await;
}

/// What is held once everybody has done what is left to do: no more than `before`, or whatever it settles at.
async fn settled(server: &FaultServer, before: Option<Held>) -> Held {
    let patience = Instant::now() + Duration::from_secs(20);
    let mut least = Held::now(server);
    let mut turns = 0;
    loop {
        // A thread of the server is gone a little later than its connection.
        let held = Held::now(server);
        least = least.least(held);
        turns = if held.open_connections == 0 { turns + 1 } else { 0 };
        let is_done = before.map_or(turns > 1000, |before| held.least(before) == held);
        if is_done {
            return if before.is_some() { held } else { least };
        }
        if Instant::now() > patience {
            return held;
        }
        tokio::task::yield_now().await;
    }
}

fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(120), test).await.expect("it hangs");
    });
}

#[test]
fn ten_thousand_calls_that_go_wrong_leave_nothing_behind() {
    for (name, make) in BACKENDS {
        on_one_thread(async {
            let server = FaultServer::start(faults()).keep_requests(0);
            // Whatever is made once is made.
            ten_thousand(*make, &server, 100).await;
            let before = settled(&server, None).await;
            ten_thousand(*make, &server, CALLS).await;
            let after = settled(&server, Some(before)).await;
            let made = server.connections();
            assert_eq!(after.least(before), after, "{name}: more than {before:?}, of {made} made");
            assert!(server.request_count() > CALLS / 2, "{name}: most calls came that far");
        });
    }
}
