//! Waits until nothing is under way any more.

use std::time::{Duration, Instant};

use crate::resources::Held;
use crate::servers::Servers;

/// For whatever has to go: much longer than it takes.
const PATIENCE: Duration = Duration::from_secs(30);

const A_WHILE: Duration = Duration::from_millis(4);

/// So many times the same, one after the other, is for good.
const SETTLED: usize = 5;

/// What is held once `is_right`; or whatever is, when it does not come to that.
pub(super) async fn held_when(servers: &Servers, is_right: impl Fn(Held) -> bool) -> Held {
    let started = Instant::now();
    loop {
        let held = Held::now(servers);
        if is_right(held) || started.elapsed() > PATIENCE {
            return held;
        }
        tokio::time::sleep(A_WHILE).await;
    }
}

/// Whether the servers have nothing to do any more. Then the connections that are not kept go, for which it waits, too.
pub(super) async fn is_quiet(servers: &Servers) -> bool {
    let started = Instant::now();
    let (mut last, mut same) = (None, 0);
    while same < SETTLED {
        let now = (servers.open_requests(), servers.open_connections());
        same = if now.0 == 0 && last == Some(now) { same + 1 } else { 0 };
        last = Some(now);
        if started.elapsed() > PATIENCE {
            return now.0 == 0;
        }
        tokio::time::sleep(A_WHILE).await;
    }
    true
}
