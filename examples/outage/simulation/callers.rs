//! [`Callers`]: the tasks in which calls are made.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http::Method;
use midil_http::{HttpClient, Request, Runtime};
use url::Url;

use super::measure::Measure;
use super::runtime::VirtualRuntime;

/// Tasks that make one call after the other. A call takes an idle one, and makes one more if there is none: a task for
/// each call would cost a tenth of the whole time, for its memory alone.
pub(crate) struct Callers(Arc<Shared>);

struct Shared {
    runtime: VirtualRuntime,
    measure: Measure,
    url: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    desks: Vec<Desk>,
    idle: Vec<usize>,
}

/// Where a task finds its next call.
struct Desk {
    next: Option<HttpClient>,
    waker: Waker,
}

impl Callers {
    pub(crate) fn new(runtime: &VirtualRuntime, measure: &Measure, url: Url) -> Self {
        let (runtime, measure, state) = (runtime.clone(), measure.clone(), Mutex::default());
        Self(Arc::new(Shared { runtime, measure, url, state }))
    }

    /// Makes a call, whose outcome is measured.
    pub(crate) fn call(&self, client: &HttpClient) {
        let mut state = self.0.state();
        let next = Some(client.clone());
        if let Some(desk) = state.idle.pop() {
            let desk = &mut state.desks[desk];
            desk.next = next;
            desk.waker.wake_by_ref();
        } else {
            let desk = state.desks.len();
            state.desks.push(Desk { next, waker: Waker::noop().clone() });
            drop(state);
            self.0.runtime.spawn(Box::pin(work(Arc::clone(&self.0), desk)));
        }
    }
}

async fn work(callers: Arc<Shared>, desk: usize) {
    let Shared { runtime, measure, url, .. } = &*callers;
    loop {
        let client = poll_fn(|context| callers.poll_next(desk, context)).await;
        let begun = runtime.elapsed();
        measure.begin(begun);
        let outcome = client.execute(Request::new(Method::GET, url.clone())).await;
        let succeeded = outcome.is_ok_and(|response| response.status().is_success());
        measure.end(begun, runtime.elapsed(), succeeded);
        callers.state().idle.push(desk);
    }
}

impl Shared {
    fn poll_next(&self, desk: usize, context: &Context<'_>) -> Poll<HttpClient> {
        let desk = &mut self.state().desks[desk];
        match desk.next.take() {
            Some(client) => Poll::Ready(client),
            None => {
                desk.waker.clone_from(context.waker());
                Poll::Pending
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
