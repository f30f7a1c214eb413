//! What costs and what earns.

use super::*;

#[test]
fn a_bucket_starts_full_with_ten_tokens() {
    let scene = Scene::new();
    assert_eq!(scene.available(), 10.0);
    assert_eq!(scene.empty(), 10);
    assert_eq!(scene.available(), 0.0);
}

#[test]
fn after_ten_years_there_is_no_more_in_it_than_on_the_first_day() {
    let mut scene = Scene::new();
    assert!(scene.withdraw());
    scene.now += SECOND * (10 * 365 * 24 * 3600);
    assert_eq!(scene.empty(), 10);
}

#[test]
fn first_successes_earn_a_tenth() {
    let scene = Scene::new();
    scene.empty();
    for _ in 0..9 {
        scene.record(FIRST_SUCCEEDED);
        assert!(!scene.withdraw(), "{}", scene.available());
    }
    scene.record(FIRST_SUCCEEDED);
    assert_eq!(scene.available(), 1.0);
    assert_eq!(scene.empty(), 1);
}

#[test]
fn retries_that_help_pay_for_two_and_a_half() {
    let scene = Scene::new();
    scene.empty();
    scene.record(RETRY_SUCCEEDED);
    assert_eq!(scene.available(), 2.5);
    assert_eq!(scene.empty(), 2);
    scene.record(AttemptResult::new(7, true));
    assert_eq!(scene.available(), 3.0);
}

#[test]
fn failures_earn_nothing() {
    let scene = Scene::new();
    scene.empty();
    for _ in 0..100 {
        scene.record(FIRST_FAILED);
        scene.record(RETRY_FAILED);
    }
    assert_eq!(scene.available(), 0.0);
}

#[test]
fn a_second_earns_a_tenth() {
    let mut scene = Scene::new();
    scene.empty();
    scene.now += Duration::from_millis(9_999);
    assert!(!scene.withdraw());
    scene.now += Duration::from_millis(1);
    assert!(scene.withdraw() && !scene.withdraw());
}

#[test]
fn time_earns_the_same_in_small_steps() {
    let mut scene = Scene::new();
    scene.empty();
    for _ in 0..10_000 {
        scene.now += Duration::from_millis(1);
        let _available = scene.available();
    }
    assert_eq!(scene.available(), 1.0);
}

#[test]
fn a_full_bucket_earns_nothing() {
    let mut scene = Scene::new();
    scene.now += 3_600 * SECOND;
    for _ in 0..100 {
        scene.record(FIRST_SUCCEEDED);
        scene.record(RETRY_SUCCEEDED);
    }
    assert_eq!(scene.empty(), 50, "half of the 100 calls of this second");
}

#[test]
fn a_year_does_not_overflow() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        scene.empty();
        scene.now += Duration::from_secs(365 * 24 * 3_600);
        assert_eq!(scene.available(), 10.0);
    }
}

#[test]
fn a_clock_that_goes_back_earns_nothing() {
    let mut scene = Scene::new();
    scene.now += SECOND;
    scene.empty();
    scene.now -= SECOND;
    assert!(!scene.withdraw());
    scene.now -= 10 * SECOND;
    scene.record(FIRST_SUCCEEDED);
    assert_eq!(scene.available(), 0.1);
}

#[test]
fn a_busy_client_has_half_a_second_of_its_calls() {
    let mut scene = Scene::new();
    scene.calls(1_000, 6, FIRST_SUCCEEDED);
    assert_eq!(scene.available(), 500.0);
    assert_eq!(scene.empty(), 500);
    scene.record(FIRST_SUCCEEDED);
    assert!((0.09..=0.11).contains(&scene.available()), "{}", scene.available());
}

#[test]
fn calls_that_fail_are_calls_too() {
    let mut scene = Scene::new();
    scene.calls(1_000, 6, FIRST_FAILED);
    assert_eq!(scene.available(), 500.0);
}

#[test]
fn retries_are_no_calls() {
    let mut scene = Scene::new();
    scene.calls(1_000, 6, RETRY_FAILED);
    assert_eq!(scene.available(), 10.0);
}

#[test]
fn the_level_keeps_its_proportion_when_the_rate_changes() {
    let mut scene = Scene::new();
    assert!((0..5).all(|_| scene.withdraw()));
    scene.calls(1_000, 6, FIRST_FAILED);
    let busy = scene.available();
    assert!((250.0..260.0).contains(&busy), "half full, and what 6 s earn: {busy}");
    scene.now += 10 * SECOND;
    let quiet = scene.available();
    assert!((5.0..7.0).contains(&quiet), "half full, and what 10 s earn: {quiet}");
}

#[test]
fn an_empty_bucket_stays_empty_when_calls_become_more() {
    let mut scene = Scene::new();
    scene.empty();
    scene.calls(1_000, 2, FIRST_FAILED);
    assert!(scene.available() < 1.0, "{}", scene.available());
}

/// In a large bucket, what a millisecond earns is too little to be seen; it adds up all the same.
#[test]
fn what_is_too_little_to_be_seen_adds_up() {
    let large = RetryBudget::builder().capacity(1_000_000.0).retry_costs(1_000.0);
    let large = large.second_earns(1.0).retry_success_earns(0.0).build().unwrap();
    let mut scene = Scene::with(large);
    assert!(scene.withdraw());
    let before = scene.available();
    for _ in 0..100_000 {
        scene.now += Duration::from_millis(1);
        scene.record(RETRY_SUCCEEDED); // looks at the clock, and earns nothing by itself
    }
    let earned = scene.available() - before;
    assert!((95.0..=100.0).contains(&earned), "{earned}, rounded down each time that it is seen");
}
