//! Many threads, one rate.

use std::sync::Barrier;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::super::*;

#[test]
fn no_call_is_made_twice_of_what_there_is_for_one() {
    let rate = Rate::new(Duration::from_secs(1), 1_000);
    let lane = RateLane::new("key".into(), &rate);
    let (start, made) = (Barrier::new(8), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..1_000 {
                    if lane.check(5).is_ok() {
                        made.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(made.into_inner(), 1_000);
    assert_eq!(lane.state(&rate, 5).available, 0);
}
