//! A race against a model of it: whatever comes when, the right one wins at the right time.

use proptest::prelude::*;
use url::Url;

use super::*;

/// One that is never empty.
struct Rich;

impl Budget for Rich {
    fn record(&self, _: &Url, _: std::time::Instant, _: midil_retry::AttemptResult) {}
    fn withdraw(&self, _: &Url, _: std::time::Instant) -> bool {
        true
    }
}

/// What a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Good,
    Busy,
    Reset,
}

const DELAY: u64 = 100;

/// What the call comes to, whose it is, when, and how many were sent. The first of `requests` is the request itself.
fn model(requests: &[(Comes, u64)]) -> (Comes, usize, u64, usize) {
    let start = |index: usize| DELAY * u64::try_from(index).unwrap();
    let mut best: Option<(Comes, usize)> = None;
    let (mut sent, mut flying) = (1, vec![0]);
    loop {
        let lands = |&index: &usize| start(index) + requests[index].1;
        let next = *flying.iter().min_by_key(|index| lands(index)).unwrap();
        if sent < requests.len() && start(sent) < lands(&next) {
            flying.push(sent);
            sent += 1;
            continue;
        }
        let comes = requests[next].0;
        flying.retain(|&index| index != next);
        best = match (best, comes) {
            (_, Comes::Good) => return (comes, next, lands(&next), sent),
            (Some((Comes::Reset, _)), Comes::Busy) | (None, _) => Some((comes, next)),
            (best, _) => best,
        };
        if let (true, Some((comes, of))) = (flying.is_empty(), best) {
            return (comes, of, lands(&next), sent);
        }
    }
}

/// Times that never coincide, nor with that of a hedge: each request has a last digit of its own.
fn requests() -> impl Strategy<Value = Vec<(Comes, u64)>> {
    let comes = prop_oneof![Just(Comes::Good), Just(Comes::Busy), Just(Comes::Reset)];
    let requests = prop::collection::vec((comes, 0..60_u64), 2..5);
    requests.prop_map(|requests| {
        requests
            .into_iter()
            .zip(1..)
            .map(|((comes, tens), digit)| (comes, tens * 10 + digit))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_right_one_wins(requests in requests()) {
        let hedges = u32::try_from(requests.len() - 1).unwrap();
        let builder = Hedge::builder().delay(millis(DELAY)).max_hedges(hedges);
        let hedge = builder.budget(Rich).build().unwrap();
        let mut world = World::new();
        for (index, (comes, after)) in requests.iter().enumerate() {
            let reply = match comes {
                Comes::Good => Reply::ok().header("x-index", index.to_string()),
                Comes::Busy => Reply::status(503).header("x-index", index.to_string()),
                Comes::Reset => Reply::error(reset),
            };
            world = world.reply(reply, *after);
        }
        let (outcome, at) = world.get(&hedge);
        let (comes, of, expected_at, sent) = model(&requests);
        prop_assert_eq!((at, world.mock.request_count()), (u128::from(expected_at), sent));
        match outcome {
            Ok(response) => {
                prop_assert_eq!(response.status() == 200, comes == Comes::Good);
                prop_assert_ne!(comes, Comes::Reset);
                let index = response.headers()["x-index"].to_str().unwrap();
                prop_assert_eq!(index, of.to_string());
            }
            Err(_) => prop_assert_eq!(comes, Comes::Reset),
        }
        prop_assert_eq!((world.mock.in_flight(), world.runtime.timers()), (0, 0));
        prop_assert!(world.mock.mismatch().is_none() || sent < requests.len());
        let won = u64::from(comes == Comes::Good && of > 0);
        prop_assert_eq!(hedge.state(ORIGIN).won, won);
    }
}
