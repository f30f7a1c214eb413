//! What hedges cost, and who pays.

use std::sync::Arc;
use std::task::Poll;

use futures_util::future::join_all;
use midil_http_core::{Middleware, Next};
use midil_retry::{AttemptResult, RetryBudget};
use url::Url;

use super::*;

/// Sends `count` calls at once, which are given up after ten seconds.
fn hang(world: &World, hedge: &Hedge, count: usize) {
    let client =
        client(&world.mock, &world.runtime, hedge).total_timeout(10 * SECOND).build().unwrap();
    let calls = (0..count).map(|_| client.get("/").send());
    let outcomes = world.runtime.block_on(join_all(calls));
    assert!(outcomes.iter().all(|outcome| outcome.is_err()));
}

#[test]
fn a_hedge_is_paid_from_the_strategys_budget_when_it_is_given() {
    let budget = RetryBudget::builder().capacity(2.0).second_earns(0.0).build().unwrap();
    let hedge = Hedge::builder().delay(millis(100)).budget(budget.clone()).build().unwrap();
    let world = World::new();
    let world = World { mock: world.mock.reply_always(Reply::pending()), ..world };
    let left = || budget.available(&Url::parse(ORIGIN).unwrap(), world.runtime.now());
    hang(&world, &hedge, 1);
    assert_eq!((world.mock.request_count(), left()), (2, 1.0));
    hang(&world, &hedge, 5);
    assert_eq!((hedge.state(ORIGIN).sent, left()), (2, 0.0));
}

#[test]
fn a_shared_budget_is_told_by_the_strategy_alone() {
    #[derive(Clone, Default)]
    struct Counting(Arc<[AtomicUsize; 2]>);

    impl Budget for Counting {
        fn record(&self, _: &Url, _: std::time::Instant, _: AttemptResult) {
            self.0[0].fetch_add(1, Ordering::Relaxed);
        }
        fn withdraw(&self, _: &Url, _: std::time::Instant) -> bool {
            self.0[1].fetch_add(1, Ordering::Relaxed);
            true
        }
    }
    let budget = Counting::default();
    let hedge = Hedge::builder().delay(millis(100)).budget(budget.clone()).build().unwrap();
    let world = World::new().reply(Reply::ok(), 500).reply(Reply::ok(), 50);
    let strategy = every_second().budget(budget.clone()).build().unwrap();
    let client = client(&world.mock, &world.runtime, &hedge).retry(strategy).build().unwrap();
    world.runtime.block_on(client.get("/").send()).unwrap();
    let counted = [0, 1].map(|index| budget.0[index].load(Ordering::Relaxed));
    assert_eq!(counted, [1, 1]);
}

#[test]
fn where_everything_hangs_the_hedges_end() {
    let world = World::new();
    let world = World { mock: world.mock.reply_always(Reply::pending()), ..world };
    let hedge = hedge();
    for _ in 0..20 {
        hang(&world, &hedge, 10);
    }
    // 200 s: ten tokens in the beginning, and one each ten seconds.
    let sent = hedge.state(ORIGIN).sent;
    assert!((29..=31).contains(&sent), "{sent} of 200");
}

#[test]
fn calls_that_go_well_earn_a_tenth_each() {
    let world = World::new();
    let slow = Reply::ok().delayed(millis(150), world.runtime.clone());
    let world = World { mock: world.mock.reply_always(slow), ..world };
    let hedge = hedge();
    let client = world.client(&hedge);
    // All of them are slow, and all of their hedges come to nothing but load.
    for _ in 0..1_000 {
        world.runtime.block_on(client.get("/").send()).unwrap();
    }
    // Ten in the beginning, 100 for the calls, 15 for the time.
    let sent = hedge.state(ORIGIN).sent;
    assert!((120..=130).contains(&sent), "{sent} of 1000");
}

/// Allocations of a call of a client with that middleware, over a transport that has its answer at the second look.
fn allocations(middleware: impl Middleware, tries: u32) -> u64 {
    let transport = |_: Request| {
        let mut looks = 0;
        std::future::poll_fn(move |cx| {
            looks += 1;
            cx.waker().wake_by_ref();
            if looks < 2 { Poll::Pending } else { Poll::Ready(response(200, &[])) }
        })
    };
    let client = HttpClient::builder(transport).base_url(ORIGIN).attempt_middleware(middleware);
    let client = client.build().unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for _ in 0..tries {
        tokio.block_on(client.get("/").send()).unwrap();
    }
    let request = client.get("/");
    allocation_counter::measure(|| drop(tokio.block_on(request.send()).unwrap())).count_total
}

#[test]
fn a_call_without_a_hedge_costs_no_allocation_beside_that_of_middleware() {
    async fn pass(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
        next.run(request).await
    }
    let before = allocations(pass, 100);
    let by_percentile = Hedge::builder().minimum_samples(1).max_delay(SECOND).build().unwrap();
    for (name, hedge) in [("fixed", hedge()), ("by percentile", by_percentile)] {
        assert_eq!(allocations(hedge, 100), before, "{name}: its timer is that of the exchange");
    }
    let patient = Hedge::builder().minimum_samples(512).build().unwrap();
    assert_eq!(allocations(patient, 100), before, "there is no hedge to come");
}
