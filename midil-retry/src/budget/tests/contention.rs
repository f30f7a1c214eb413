//! Many threads, one bucket.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;

const THREADS: usize = 8;
const TURNS: u64 = 2_000;

/// Runs the same on all threads at once.
fn hammer(work: impl Fn(u64) + Sync) {
    let start = std::sync::Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                (0..TURNS).for_each(&work);
            });
        }
    });
}

#[test]
fn no_token_is_spent_twice() {
    let (scene, paid) = (Scene::new(), AtomicU64::new(0));
    hammer(|_| {
        if scene.withdraw() {
            paid.fetch_add(1, Relaxed);
        }
    });
    assert_eq!(paid.into_inner(), 10);
    assert_eq!(scene.available(), 0.0);
}

#[test]
fn what_is_earned_at_once_is_all_there() {
    let budget = RetryBudget::builder().capacity(100_000.0).calls_worth(Duration::ZERO);
    let scene = Scene::with(budget.retry_costs(100_000.0).build().unwrap());
    assert!(scene.withdraw());
    hammer(|_| scene.record(RETRY_SUCCEEDED));
    assert_eq!(scene.available(), 40_000.0, "8 × 2000 × 2.5");
}

#[test]
fn time_earns_once_however_many_look_at_the_clock() {
    let budget = RetryBudget::builder().capacity(1_000.0).calls_worth(Duration::ZERO);
    let budget = budget.retry_costs(1_000.0).success_earns(0.0).build().unwrap();
    let scene = Scene::with(budget);
    assert!(scene.withdraw());
    hammer(|turn| {
        let later = scene.now + Duration::from_millis(turn);
        scene.budget.record(&scene.url, later, FIRST_SUCCEEDED);
    });
    assert_eq!(scene.budget.available(&scene.url, scene.now + 2 * SECOND), 0.2);
}

#[test]
fn the_bucket_never_holds_more_than_it_can_nor_less_than_nothing() {
    let budget = RetryBudget::builder().calls_worth(Duration::ZERO).build().unwrap();
    let scene = Scene::with(budget);
    let (paid, earned) = (AtomicU64::new(0), AtomicU64::new(0));
    hammer(|turn| {
        let now = scene.now + Duration::from_millis(turn);
        if scene.budget.withdraw(&scene.url, now) {
            paid.fetch_add(1, Relaxed);
        } else if turn % 3 == 0 {
            earned.fetch_add(1, Relaxed);
            scene.budget.record(&scene.url, now, RETRY_SUCCEEDED);
        }
        let available = scene.budget.available(&scene.url, now);
        assert!((0.0..=10.0).contains(&available), "{available}");
    });
    let (paid, earned) = (paid.into_inner(), earned.into_inner());
    // 10 at first, 0.2 for the 2 s.
    assert!(2 * paid <= 2 * 10 + 5 * earned + 1, "{paid} paid for, {earned} earned 2.5 each");
}

#[test]
fn a_new_origin_gets_one_bucket_whoever_comes_first() {
    for _ in 0..50 {
        let (scene, paid) = (Scene::new(), AtomicU64::new(0));
        let start = std::sync::Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    paid.fetch_add(u64::try_from(scene.empty()).unwrap(), Relaxed);
                });
            }
        });
        assert_eq!((paid.into_inner(), scene.budget.origins()), (10, 1));
    }
}
