//! The settings of the builder.

use midil_http_core::Error;

use super::*;

fn problem(builder: RetryBudgetBuilder) -> String {
    match builder.build().unwrap_err() {
        Error::Build(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_builder_with_nothing_set_is_the_default() {
    let shown = |budget: &RetryBudget| format!("{budget:?}");
    let built = RetryBudget::builder().build().unwrap();
    assert_eq!(shown(&built), shown(&RetryBudget::default()));
}

#[test]
fn every_price_can_be_set() {
    let budget = RetryBudget::builder()
        .capacity(4.0)
        .retry_costs(2.0)
        .success_earns(0.3)
        .retry_success_earns(0.7)
        .second_earns(0.5)
        .build();
    let mut scene = Scene::with(budget.unwrap());
    assert_eq!((scene.available(), scene.empty()), (4.0, 2));
    scene.record(FIRST_SUCCEEDED);
    assert_eq!(scene.available(), 0.3);
    scene.record(RETRY_SUCCEEDED);
    assert_eq!(scene.available(), 1.0);
    scene.now += SECOND;
    assert_eq!(scene.available(), 1.5);
}

#[test]
fn calls_can_be_worth_more_or_nothing() {
    for (worth, tokens) in [(Duration::ZERO, 10.0), (SECOND / 10, 100.0), (2 * SECOND, 2_000.0)] {
        let mut scene = Scene::with(RetryBudget::builder().calls_worth(worth).build().unwrap());
        scene.calls(1_000, 6, FIRST_SUCCEEDED);
        assert_eq!(scene.available(), tokens, "{worth:?}");
    }
}

#[test]
fn extremes_do_not_overflow() {
    let budget = RetryBudget::builder()
        .capacity(1_000_000.0)
        .retry_costs(0.001)
        .success_earns(1_000_000.0)
        .second_earns(1_000_000.0)
        .calls_worth(60 * SECOND);
    let mut scene = Scene::with(budget.build().unwrap());
    scene.calls(1_000, 6, FIRST_SUCCEEDED);
    assert!(scene.withdraw());
    scene.now += Duration::from_secs(1 << 40);
    scene.record(FIRST_SUCCEEDED);
    assert!(scene.withdraw() && scene.available() > 999_999.0);
}

#[test]
fn bad_settings_are_refused_by_name() {
    let builder = RetryBudget::builder;
    let range = |from: &str| format!("give a number of tokens from {from} to 1000000");
    for (bad, expected) in [
        (builder().capacity(f64::NAN), format!("capacity is NaN: {}", range("0.001"))),
        (builder().capacity(0.0), format!("capacity is 0: {}", range("0.001"))),
        (builder().capacity(1e9), format!("capacity is 1000000000: {}", range("0.001"))),
        (builder().retry_costs(0.0), format!("retry_costs is 0: {}", range("0.001"))),
        (builder().retry_costs(-1.0), format!("retry_costs is -1: {}", range("0.001"))),
        (builder().success_earns(-0.1), format!("success_earns is -0.1: {}", range("0"))),
        (
            builder().retry_success_earns(f64::INFINITY),
            format!("retry_success_earns is inf: {}", range("0")),
        ),
        (builder().second_earns(f64::NAN), format!("second_earns is NaN: {}", range("0"))),
        (
            builder().capacity(0.5),
            "capacity is 0.5, below what a retry costs (1): raise it".to_owned(),
        ),
        (
            builder().calls_worth(Duration::MAX),
            format!("calls_worth is {:?}: give 60s or less", Duration::MAX),
        ),
    ] {
        assert_eq!(problem(bad), expected);
    }
}
