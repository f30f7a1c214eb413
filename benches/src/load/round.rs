//! One round of one stack: so many calls in flight, each followed by the next until the time is over.

use std::fs;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::BoxError;
use crate::stacks::caller::Caller;

/// What a round gave. Times are microseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Round {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// What the client's threads ran for each call, whoever else had the processor meanwhile.
    pub(super) cpu: f64,
    /// The part of the time in which the server ran: at 1 it is the server that is measured.
    pub(super) server_busy: f64,
}

impl Round {
    /// Keeps so many calls in flight for that long.
    pub(super) async fn measure(
        caller: &dyn Caller,
        in_flight: usize,
        time: Duration,
        server: u32,
    ) -> Result<Self, BoxError> {
        let (client, peer) = (cpu("self"), cpu(&server.to_string()));
        let began = Instant::now();
        let workers: Vec<_> = (0..in_flight).map(|_| caller.keep_calling(began + time)).collect();
        let mut latencies: Vec<Duration> = Vec::new();
        for worker in workers {
            latencies.append(&mut worker.await??);
        }
        let seconds = began.elapsed().as_secs_f64();
        let (client, peer) = (cpu("self") - client, cpu(&server.to_string()) - peer);
        latencies.sort_unstable();
        let calls = f64::from(u32::try_from(latencies.len())?);
        let percentile = |percent| {
            let at = latencies.len() * percent / 100;
            latencies.get(at).map_or(f64::NAN, |latency: &Duration| latency.as_secs_f64() * 1e6)
        };
        Ok(Self {
            per_second: calls / seconds,
            p50: percentile(50),
            p99: percentile(99),
            cpu: client * 1e6 / calls,
            server_busy: peer / seconds,
        })
    }
}

/// For how many seconds the threads of a process have run; 0 where the kernel does not tell.
fn cpu(process: &str) -> f64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}
