//! When there is a hedge.

use std::sync::{Arc, Mutex};

use midil_http_core::{AuthNProvider, AuthNToken, middleware_fn};

use super::*;

/// Calls that take so many milliseconds, one after the other.
fn calls(world: &World, hedge: &Hedge, latencies: impl IntoIterator<Item = u64>) {
    let client = world.client(hedge);
    for latency in latencies {
        world.mock.reply(Reply::ok().delayed(millis(latency), world.runtime.clone()));
        world.runtime.block_on(client.get("/").send()).unwrap();
    }
}

#[test]
fn by_a_percentile_there_is_none_before_there_are_enough_calls() {
    let (world, hedge) = (World::new(), Hedge::builder().build().unwrap());
    calls(&world, &hedge, 1..50);
    assert_eq!((hedge.state(ORIGIN).delay, hedge.state(ORIGIN).samples), (None, 49));
    calls(&world, &hedge, [50]);
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(48)), "95 % of 50 are 47.5");
    assert_eq!(world.mock.request_count(), 50);

    let start = world.runtime.elapsed();
    let world = world.reply(Reply::ok(), 1_000).reply(Reply::ok(), 10);
    assert!(world.get(&hedge).0.is_ok());
    assert_eq!(world.runtime.elapsed() - start, millis(58));
    let state = hedge.state(ORIGIN);
    assert_eq!((state.sent, state.won, state.samples), (1, 1, 51));
    world.mock.verify();
}

#[test]
fn it_follows_the_latest_calls() {
    let (world, hedge) =
        (World::new(), Hedge::builder().percentile(0.5).minimum_samples(1).build().unwrap());
    calls(&world, &hedge, [20; 512]);
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(20)));
    calls(&world, &hedge, [5; 256]);
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(5)));
    assert_eq!(hedge.state(ORIGIN).samples, 512);
}

#[test]
fn it_stays_between_its_bounds() {
    let bounds = |calls: usize| {
        let builder = Hedge::builder().percentile(0.9).minimum_samples(calls);
        builder.min_delay(millis(50)).max_delay(millis(80)).build().unwrap()
    };
    let (world, hedge) = (World::new(), bounds(10));
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(80)), "before there are enough calls");
    calls(&world, &hedge, [10; 10]);
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(50)));
    let hedge = bounds(4);
    calls(&world, &hedge, [70; 4]);
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(70)));
    let hedge = bounds(1);
    let world = World::new().reply(Reply::ok(), 200).reply(Reply::ok(), 500);
    world.get(&hedge).0.unwrap();
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(80)), "it took 200");
}

#[test]
fn what_came_to_nothing_good_says_nothing_of_latencies() {
    let hedge = Hedge::builder().minimum_samples(1).build().unwrap();
    for bad in [Reply::status(503), Reply::error(reset)] {
        assert_eq!(World::new().reply(bad, 10).get(&hedge).1, 10);
    }
    assert_eq!(hedge.state(ORIGIN).samples, 0);
}

/// Credentials that take that long, each time.
fn tokens(runtime: &ManualRuntime, time: u64) -> impl AuthNProvider {
    let runtime = runtime.clone();
    move || {
        let pause = runtime.sleep(millis(time));
        async move {
            pause.await;
            Ok(AuthNToken::new("t"))
        }
    }
}

#[test]
fn what_was_not_sent_yet_is_not_hedged() {
    // Credentials take 250 ms, three of its delays: the hedge is 100 ms after the request, not beside it.
    for (latency, ends, requests, hedges) in [(90, 340, 1, 0), (1_000, 610, 2, 1)] {
        let world = World::new().reply(Reply::ok(), latency).reply(Reply::ok(), 10);
        let hedge = hedge();
        let client = client(&world.mock, &world.runtime, &hedge)
            .auth(tokens(&world.runtime, 250))
            .build()
            .unwrap();
        world.runtime.block_on(client.get("/").send()).unwrap();
        drop(world.mock.mismatch());
        // The hedge has to get credentials, too.
        assert_eq!(world.runtime.elapsed(), millis(ends));
        assert_eq!((world.mock.request_count(), hedge.state(ORIGIN).sent), (requests, hedges));
    }
}

#[test]
fn latencies_begin_when_the_request_goes_out() {
    let hedge = Hedge::builder().minimum_samples(1).build().unwrap();
    let world = World::new().reply(Reply::ok(), 20);
    let client = client(&world.mock, &world.runtime, &hedge)
        .auth(tokens(&world.runtime, 300))
        .build()
        .unwrap();
    world.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(hedge.state(ORIGIN).delay, Some(millis(20)));
}

/// Uploads that take `piece` for each 64 KiB, and an answer `latency` after that; and when each began.
fn uploads(
    runtime: &ManualRuntime,
    piece: u64,
    latency: u64,
) -> (impl Transport, Arc<Mutex<Vec<u128>>>) {
    let began = Arc::<Mutex<Vec<u128>>>::default();
    let (runtime, noted) = (runtime.clone(), Arc::clone(&began));
    let transport = move |mut request: Request| {
        let runtime = runtime.clone();
        noted.lock().unwrap().push(runtime.elapsed().as_millis());
        async move {
            while request.body_mut().chunk().await?.is_some() {
                runtime.sleep(millis(piece)).await;
            }
            runtime.sleep(millis(latency)).await;
            response(200, &[])
        }
    };
    (transport, began)
}

#[test]
fn what_is_still_being_uploaded_is_not_hedged() {
    let hedge = Hedge::builder().delay(millis(100)).max_hedges(1).build().unwrap();
    // The last of six pieces is taken after 300 ms.
    for (latency, requests) in [(30, 1), (1_000, 2)] {
        let runtime = ManualRuntime::new();
        let (transport, began) = uploads(&runtime, 60, latency);
        let client = HttpClient::builder(transport)
            .base_url(ORIGIN)
            .runtime(runtime.clone())
            .attempt_middleware(hedge.clone())
            .build()
            .unwrap();
        let body = vec![0; 6 * 64 * 1024];
        runtime.block_on(client.put("/").body(body).send()).unwrap();
        let began = began.lock().unwrap();
        assert_eq!(began.len(), requests, "{began:?}");
        assert!(began.get(1).is_none_or(|at| *at == 400), "{began:?}");
    }
}

#[test]
fn what_waits_for_a_limit_further_down_is_not_hedged() {
    let world = World::new().reply(Reply::ok(), 90);
    let slowly = middleware_fn(|request, next| {
        Box::pin(async move {
            next.runtime().sleep(millis(250)).await;
            next.run(request).await
        })
    });
    let hedge = hedge();
    let client = client(&world.mock, &world.runtime, &hedge);
    let client = client.attempt_middleware(slowly).build().unwrap();
    world.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!((world.runtime.elapsed(), hedge.state(ORIGIN).sent), (millis(340), 0));
}

#[test]
fn each_origin_has_its_own_unless_told_otherwise() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::new());
    let mock = mock.reply_always(Reply::ok().delayed(millis(10), runtime.clone()));
    let get = |hedge: &Hedge, url: &str| {
        let transport =
            HedgeTransport::new(mock.clone(), hedge.clone()).with_runtime(runtime.clone());
        runtime.block_on(transport.send(Request::get(url).unwrap())).unwrap();
    };
    let hedge = Hedge::builder().minimum_samples(1).build().unwrap();
    get(&hedge, "https://a.example/1");
    get(&hedge, "https://a.example/2");
    get(&hedge, "https://b.example/");
    let mut states: Vec<_> =
        hedge.states().map(|(key, state)| (key.to_string(), state.samples)).collect();
    states.sort();
    assert_eq!(states, [("https://a.example".to_owned(), 2), ("https://b.example".to_owned(), 1)]);
    assert_eq!(hedge.state("https://c.example").samples, 0);

    let one = Hedge::builder().minimum_samples(1).key(|_| "all".into()).build().unwrap();
    get(&one, "https://a.example/1");
    get(&one, "https://b.example/");
    assert_eq!(one.state("all").samples, 2);
}

#[test]
fn none_is_sent_past_the_deadline_of_its_call() {
    let world = World::new().reply(Reply::ok(), 500);
    let client =
        client(&world.mock, &world.runtime, &hedge()).total_timeout(millis(100)).build().unwrap();
    let error = world.runtime.block_on(client.get("/").send()).unwrap_err();
    assert!(error.is_timeout());
    assert_eq!((world.mock.request_count(), world.runtime.elapsed()), (1, millis(100)));
}

#[test]
fn a_hedge_has_timeouts_of_its_own() {
    let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::ok(), 450);
    let client =
        client(&world.mock, &world.runtime, &hedge()).timeout(millis(500)).build().unwrap();
    world.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(world.runtime.elapsed(), millis(550), "the request itself was given up at 500");
}

#[test]
fn what_cannot_be_is_refused_with_a_remedy() {
    let part = |part: f64| Hedge::builder().percentile(part);
    let give = "give a part above 0 and below 1, such as 0.95";
    for (builder, expected) in [
        (part(0.0), format!("percentile is 0: {give}")),
        (part(1.0), format!("percentile is 1: {give}")),
        (part(-0.5), format!("percentile is -0.5: {give}")),
        (part(f64::NAN), format!("percentile is NaN: {give}")),
        (part(f64::INFINITY), format!("percentile is inf: {give}")),
        (part(0.9).delay(SECOND), "delay is set beside percentile: give one of the two".into()),
        (Hedge::builder().delay(Duration::ZERO), "delay is zero: give a positive duration".into()),
        (
            Hedge::builder().minimum_samples(0),
            "minimum_samples is 0: give a number from 1 to 512".into(),
        ),
        (
            Hedge::builder().minimum_samples(513),
            "minimum_samples is 513: give a number from 1 to 512".into(),
        ),
        (Hedge::builder().max_hedges(0), "max_hedges is 0: give a number from 1 to 10".into()),
        (Hedge::builder().max_hedges(11), "max_hedges is 11: give a number from 1 to 10".into()),
        (
            Hedge::builder().max_delay(Duration::ZERO).min_delay(Duration::ZERO),
            "max_delay is 0ns: give more than min_delay (0ns)".into(),
        ),
        (
            Hedge::builder().max_delay(millis(1)).min_delay(millis(2)),
            "max_delay is 1ms: give more than min_delay (2ms)".into(),
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), expected);
    }
    for part in [f64::MIN_POSITIVE, 1.0 - f64::EPSILON] {
        let hedge = Hedge::builder().percentile(part).minimum_samples(1).build().unwrap();
        let world = World::new();
        calls(&world, &hedge, [10]);
        assert_eq!(hedge.state(ORIGIN).delay, Some(millis(10)));
    }
    for delay in [Duration::ZERO, Duration::MAX] {
        let world = World::new().reply(Reply::ok(), 0);
        assert!(world.get(&Hedge::new(delay)).0.is_ok());
    }
}
