//! A bucket in every order that its threads can take, by `loom`.

use loom::sync::Arc;
use loom::thread;

use super::bucket::{Bucket, Prices, TOKEN};
use super::*;

fn prices(capacity: u64) -> Prices {
    Prices { capacity: capacity * TOKEN, calls_worth: 0, ..RetryBudgetBuilder::DEFAULTS }
}

#[test]
fn the_last_token_is_spent_once() {
    loom::model(|| {
        let (prices, bucket) = (prices(1), Arc::new(Bucket::default()));
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.withdraw(&prices, 0))
        };
        let mine = bucket.withdraw(&prices, 0);
        assert!(mine ^ other.join().unwrap());
        assert_eq!(bucket.state(&prices, 0).0, 0);
    });
}

#[test]
fn what_is_earned_while_another_spends_is_not_lost() {
    loom::model(|| {
        let (prices, bucket) = (prices(4), Arc::new(Bucket::default()));
        assert!((0..4).all(|_| bucket.withdraw(&prices, 0)));
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.withdraw(&prices, 0))
        };
        bucket.record(&prices, 0, AttemptResult::new(2, true));
        let spent = u64::from(other.join().unwrap());
        assert_eq!(bucket.state(&prices, 0).0, 5 * TOKEN / 2 - spent * TOKEN);
    });
}

#[test]
fn time_earns_once_whoever_looks_at_the_clock() {
    loom::model(|| {
        let (prices, bucket) = (prices(4), Arc::new(Bucket::default()));
        assert!((0..4).all(|_| bucket.withdraw(&prices, 0)));
        let now = 10_000; // earns one token
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.withdraw(&prices, now))
        };
        let mine = bucket.withdraw(&prices, now);
        assert!(mine ^ other.join().unwrap());
    });
}
