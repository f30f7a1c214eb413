//! What a breaker costs a call.

use std::time::Instant;

use futures_util::FutureExt;
use midil_http_core::{Middleware, Next};

use super::*;

#[test]
fn a_closed_circuit_costs_one_allocation() {
    let healthy = |_: Request| std::future::ready(response(200, &[]));
    let breaker = CircuitBreaker::new(5, MINUTE);
    let ratio = CircuitBreaker::builder().failure_ratio(0.5).build().unwrap();
    let next = Next::new(&healthy);
    for breaker in [&breaker, &ratio] {
        assert!(breaker.handle(get(), next).now_or_never().unwrap().is_ok());
        let (bare, through) = (get(), get());
        let without = allocation_counter::measure(|| drop(next.run(bare).now_or_never()));
        let with =
            allocation_counter::measure(|| drop(breaker.handle(through, next).now_or_never()));
        assert!(with.count_total <= without.count_total + 1, "{with:?} instead of {without:?}");
    }
}

#[test]
fn an_open_circuit_fails_in_under_ten_microseconds() {
    let down = |_: Request| async { Err(reset()) };
    let breaker = CircuitBreaker::new(1, MINUTE);
    let next = Next::new(&down);
    assert!(breaker.handle(get(), next).now_or_never().unwrap().is_err());
    // The best of many: other processes' share of the machine is not the breaker's cost.
    let best = (0..200).map(|_| {
        let requests: Vec<_> = (0..20).map(|_| get()).collect();
        let start = Instant::now();
        for request in requests {
            retry_in(breaker.handle(request, next).now_or_never().unwrap());
        }
        start.elapsed() / 20
    });
    let best = best.min().unwrap();
    assert!(best < Duration::from_micros(10), "{best:?}");
}
