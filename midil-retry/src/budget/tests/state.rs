//! What can be read of it.

use super::*;

#[test]
fn who_was_never_called_has_a_full_bucket() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    let full = RetryBudgetState { available: 10.0, capacity: 10.0, calls_per_second: 0 };
    assert_eq!(budget.state("https://api.example.com", now), full);
    assert_eq!(budget.state("no URL", now), full);
    assert_eq!(budget.origins(), 0, "looking makes no bucket");
    let small = RetryBudget::builder().capacity(3.5).build().unwrap();
    let state = small.state("https://api.example.com", now);
    assert_eq!((state.available, state.capacity), (3.5, 3.5));
}

#[test]
fn any_url_of_a_server_tells_how_it_stands() {
    let scene = Scene::new();
    assert!(scene.withdraw());
    for (name, left) in [
        ("https://api.example.com", 9.0),
        ("https://user@API.example.com:443/other?query", 9.0),
        ("https://api.example.com:8443", 10.0),
        ("http://api.example.com", 10.0),
    ] {
        assert_eq!(scene.budget.state(name, scene.now).available, left, "{name}");
    }
}

#[test]
fn the_bucket_of_a_busy_client_is_larger() {
    let mut scene = Scene::new();
    scene.calls(1_000, 6, FIRST_SUCCEEDED);
    let state = |scene: &Scene| scene.budget.state(scene.url.as_str(), scene.now);
    let full = RetryBudgetState { available: 500.0, capacity: 500.0, calls_per_second: 1_000 };
    assert_eq!(state(&scene), full);
    for _ in 0..200 {
        assert!(scene.withdraw());
    }
    assert_eq!(state(&scene), RetryBudgetState { available: 300.0, ..full });
    assert_eq!(state(&scene).available, scene.available());

    // What is left stays three fifths when nobody calls any more, and time fills up the rest.
    scene.now += 20 * SECOND;
    let quiet = RetryBudgetState { available: 8.0, capacity: 10.0, calls_per_second: 0 };
    assert_eq!(state(&scene), quiet);
}

#[test]
fn a_call_that_is_retried_counts_once() {
    let mut scene = Scene::new();
    for _ in 0..100 {
        scene.now += SECOND / 10;
        scene.record(FIRST_FAILED);
        scene.record(RETRY_SUCCEEDED);
    }
    assert_eq!(scene.budget.state(scene.url.as_str(), scene.now).calls_per_second, 10);
}

/// Whoever watches it may do so by another clock, and before anybody called.
#[test]
fn to_look_at_it_does_not_begin_its_time() {
    let mut scene = Scene::new();
    let later = scene.now + 3_600 * SECOND;
    assert_eq!(scene.budget.state(scene.url.as_str(), later).available, 10.0);
    assert_eq!(scene.budget.available(&scene.url, later), 10.0);
    assert_eq!(scene.empty(), 10);
    scene.now += 20 * SECOND;
    assert_eq!(scene.available(), 2.0);
}
