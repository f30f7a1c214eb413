//! [`Caller`]: a stack, ready to be called.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::{JoinHandle, yield_now};

use crate::BoxError;
use crate::client::expect_reply;

/// A client and the URL that it calls.
pub(crate) trait Caller {
    /// One call, which is over with its body.
    fn call(&self) -> Calling;

    /// Calls one after the other until then; comes to how long each took.
    fn keep_calling(&self, until: Instant) -> JoinHandle<Result<Vec<Duration>, BoxError>>;
}

type Calling = Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send>>;

/// A stack of which `call` makes one call and returns its body.
pub(super) fn caller<C, F>(call: C) -> Box<dyn Caller>
where
    C: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Bytes, BoxError>> + Send + 'static,
{
    Box::new(Calls(call))
}

struct Calls<C>(C);

impl<C, F> Caller for Calls<C>
where
    C: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Bytes, BoxError>> + Send + 'static,
{
    fn call(&self) -> Calling {
        Box::pin((self.0)())
    }

    fn keep_calling(&self, until: Instant) -> JoinHandle<Result<Vec<Duration>, BoxError>> {
        tokio::spawn(one_after_the_other(self.0.clone(), until))
    }
}

async fn one_after_the_other<C, F>(call: C, until: Instant) -> Result<Vec<Duration>, BoxError>
where
    C: Fn() -> F,
    F: Future<Output = Result<Bytes, BoxError>>,
{
    let mut latencies = Vec::new();
    let mut began = Instant::now();
    while began < until {
        expect_reply(&call().await?)?;
        let ended = Instant::now();
        latencies.push(ended - began);
        // As in a service, the next call is another task's: what is ready comes first. Without it, each stack is measured
        // by how many of its answers happen to meet in one turn of the runtime.
        yield_now().await;
        began = Instant::now();
    }
    Ok(latencies)
}
