//! The measured process: one stack, one method, so many calls over one kept-alive connection.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use tokio::runtime;

use crate::cases::Case;
use crate::counter::{Allocated, allocated};
use crate::rows::Row;
use crate::{BoxError, callgrind, command, server};

/// What every row asks for, below its origin.
pub(crate) const PATH: &str = "/v1/users/42";

/// Calls before the counted ones: connect, fill the caches, let every buffer reach its size.
const WARM_UP: u64 = 100;

/// What a row is to do.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) case: &'static Case,
    /// The port of the server.
    pub(crate) port: u16,
    /// How many calls are counted.
    pub(crate) calls: u64,
}

/// What all counted calls allocated together.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Count {
    /// Calls into the allocator that hand out memory.
    pub(crate) allocations: u64,
    /// Bytes asked for in them.
    pub(crate) bytes: u64,
}

impl From<Allocated> for Count {
    fn from(allocated: Allocated) -> Self {
        Self { allocations: allocated.calls, bytes: allocated.bytes }
    }
}

impl Task {
    /// GET, or POST with the [`upload`](Self::upload) as its body.
    pub(crate) fn method(&self) -> Method {
        self.case.method.clone()
    }

    /// The URL of a call, as a string: what a caller has in hand.
    pub(crate) fn url(&self) -> String {
        self.origin() + PATH
    }

    /// Its part before the path.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}:{}", self.case.host, self.port)
    }

    /// The `Authorization` of rows that have one: a bearer token as long as a signed one is, give or take.
    pub(crate) fn authorization() -> String {
        format!("Bearer {}", Self::token())
    }

    /// The token alone.
    pub(crate) fn token() -> String {
        "x".repeat(1000)
    }

    /// 1 KiB for a POST, nothing for a GET.
    pub(crate) fn upload(&self) -> Option<Bytes> {
        (self.case.method == Method::POST).then_some(Bytes::from_static(&[b'x'; 1024]))
    }

    /// Makes the calls one after the other and counts those after the warm-up. `call` returns the whole body.
    pub(crate) async fn repeat(
        &self,
        mut call: impl AsyncFnMut() -> Result<Bytes, BoxError>,
    ) -> Result<Count, BoxError> {
        for _ in 0..WARM_UP {
            expect_reply(&call().await?)?;
        }
        callgrind::mark();
        let before = allocated();
        for _ in 0..self.calls {
            expect_reply(&call().await?)?;
        }
        let counted = allocated() - before;
        callgrind::mark();
        Ok(Count::from(counted))
    }
}

fn expect_reply(body: &Bytes) -> Result<(), BoxError> {
    if body == server::REPLY { Ok(()) } else { Err("not the server's reply".into()) }
}

/// Runs one row in this process.
pub(crate) fn run(row: &Row, task: Task) -> Result<Count, BoxError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on((row.run)(task))
}

/// Runs one row in a process of its own, at full speed, and returns its count.
pub(crate) fn count(row: &Row, task: &Task) -> Result<Count, BoxError> {
    let output = command::own()?.args(arguments(row, task)).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The command line that makes this program run one row.
pub(crate) fn arguments(row: &Row, task: &Task) -> [String; 5] {
    let (row, case) = (row.key.into(), task.case.key.into());
    ["call".into(), row, case, task.port.to_string(), task.calls.to_string()]
}
