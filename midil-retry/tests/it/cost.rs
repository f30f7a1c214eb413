//! What a decision costs on the way of a call that goes well.

use midil_http_core::{Attempt, Outcome, RetryDecision, RetryStrategy};

use super::*;

#[test]
fn a_success_at_a_known_server_allocates_nothing() {
    let strategy = DefaultRetryStrategy::default();
    let request = get();
    let head = response(200, &[]).unwrap().into_parts().0;
    let attempt = Attempt::new(request.head(), Outcome::Response(&head));
    assert_eq!(strategy.decide(&attempt), RetryDecision::Accept);
    let counted = allocation_counter::measure(|| {
        for _ in 0..100 {
            assert_eq!(strategy.decide(&attempt), RetryDecision::Accept);
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_retry_at_a_known_server_allocates_nothing() {
    let strategy = DefaultRetryStrategy::builder().max_retry_after(SECOND).build().unwrap();
    let request = get();
    let head = response(503, &[("retry-after", "1")]).unwrap().into_parts().0;
    let attempt = Attempt::new(request.head(), Outcome::Response(&head));
    let first = strategy.decide(&attempt);
    assert!(matches!(first, RetryDecision::Retry { .. }), "{first:?}");
    let counted = allocation_counter::measure(|| {
        assert!(matches!(strategy.decide(&attempt), RetryDecision::Retry { .. }));
    });
    assert_eq!(counted.count_total, 0);
}
