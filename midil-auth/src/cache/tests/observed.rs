//! Who is told of fetches.

use midil_http_core::{Event, Observer};

use super::*;

/// Who counts the fetches that it is told of, and the count.
fn counting() -> (Arc<dyn Observer>, Arc<AtomicUsize>) {
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let observer = move |event: &Event<'_>| {
        if matches!(event, Event::TokenFetched(_)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    (Arc::new(observer), told)
}

#[test]
fn the_first_client_is_told_and_when_it_is_gone_the_next() {
    let runtime = ManualRuntime::new();
    let cache = Authority::hourly().cache(&runtime);
    let [(first, told_first), (second, told_second)] = [counting(), counting()];
    let fetch = || {
        runtime.block_on(ask(&cache)).unwrap();
        runtime.advance(HOUR * 2);
        (told_first.load(Ordering::Relaxed), told_second.load(Ordering::Relaxed))
    };
    cache.observed_by(&first);
    cache.observed_by(&second);
    assert_eq!(fetch(), (1, 0));
    drop(first);
    assert_eq!(fetch(), (1, 0));
    cache.observed_by(&second);
    assert_eq!(fetch(), (1, 1));
}
