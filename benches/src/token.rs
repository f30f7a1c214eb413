//! What a warm read of the token cache costs, by itself: what a call pays before anything else of it.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use http::Method;
use midil_auth::TokenCache;
use midil_http_core::{AuthNProvider, AuthNToken, RequestHead};

use crate::BoxError;
use crate::client::Task;
use crate::counter::allocated;
use crate::report::Machine;

const ROUNDS: u32 = 50;
const READS: u32 = 20_000;

/// Reads it often enough; the quickest round is the one that nobody disturbed.
pub(crate) fn cost() -> Result<String, BoxError> {
    let cache = TokenCache::new(|| async {
        Ok(AuthNToken::new(Task::token()).with_expires_in(Duration::from_secs(3600)))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(cache.warm_up())?;
    let request = RequestHead::new(Method::GET, "http://127.0.0.1/".parse()?);
    let mut context = Context::from_waker(Waker::noop());
    let mut read = || {
        let headers = pin!(cache.get_headers(&request)).poll(&mut context);
        assert!(matches!(black_box(headers), Poll::Ready(Ok(_))), "the token is there");
    };
    let before = allocated();
    read();
    let allocations = (allocated() - before).calls;
    let whole = quickest(read);
    let clocks = quickest(|| {
        black_box((Instant::now(), SystemTime::now()));
    });
    Ok(format!(
        "{:?}\na warm get_headers: {allocations} allocation(s), {whole:.0} ns, of which {clocks:.0} ns are the two clocks \
         (the quickest of {ROUNDS} rounds of {READS})",
        Machine::this()
    ))
}

/// Nanoseconds per call.
fn quickest(mut call: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        for _ in 0..READS {
            call();
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(READS)
    });
    rounds.fold(f64::INFINITY, f64::min)
}
