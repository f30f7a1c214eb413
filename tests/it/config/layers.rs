//! What wins: layers over one another.

use midil_http::{AuthConfig, AuthKind, BackendKind, BreakerKind, HttpConfig, HttpConfigBuilder};
use serde_json::json;

use crate::support::build_error;

fn file(value: serde_json::Value) -> HttpConfigBuilder {
    serde_json::from_value(value).unwrap()
}

fn environment(
    explicit: HttpConfigBuilder,
    variables: &[(&'static str, &'static str)],
) -> HttpConfigBuilder {
    explicit.env_from("HTTP", variables.iter().copied()).unwrap()
}

#[test]
fn code_beats_environment_beats_file_beats_default_setting_by_setting() {
    let file = file(json!({
        "max_connections": 1, "max_retries": 1, "timeout": 1,
        "transport": { "type": "hyper", "user_agent": "file/1" },
        "limits": { "bulkhead": { "max_in_flight": 1, "max_waiting": 1 } },
    }));
    let variables = [
        ("HTTP_MAX_CONNECTIONS", "2"),
        ("HTTP_MAX_RETRIES", "2"),
        ("HTTP_TRANSPORT_TYPE", "isahc"),
        ("HTTP_MAX_IN_FLIGHT", "2"),
    ];
    let config = environment(HttpConfig::builder().max_retries(3), &variables).layer(file);
    let config = config.build().unwrap();
    assert_eq!(config.max_retries(), 3);
    assert_eq!(config.max_connections(), 2);
    assert_eq!(config.timeout().as_secs(), 1);
    assert_eq!(config.max_keepalive_connections(), 20);
    let bulkhead = &config.limits().bulkhead;
    assert_eq!((bulkhead.max_in_flight, bulkhead.max_waiting), (Some(2), Some(1)));
    // All transports have the same settings, so these stay where the type changes.
    assert_eq!(config.transport().kind, Some(BackendKind::Isahc));
    assert_eq!(config.transport().user_agent.as_deref(), Some("file/1"));
}

#[test]
fn a_layer_without_a_type_belongs_to_the_type_below() {
    let file = file(json!({ "auth": {
        "type": "cognito", "domain": "a.test", "client_id": "reports", "scopes": ["a/read"],
    } }));
    let variables = [("HTTP_AUTH_CLIENT_SECRET", "hunter2"), ("HTTP_AUTH_CLIENT_ID", "orders")];
    let config = environment(HttpConfig::builder(), &variables).layer(file).build().unwrap();
    let auth = config.auth();
    assert_eq!((auth.kind, auth.client_id.as_deref()), (Some(AuthKind::Cognito), Some("orders")));
    assert_eq!(auth.scopes.as_deref().unwrap_or_default(), ["a/read"]);
}

#[test]
fn another_type_replaces_the_section_as_a_whole() {
    let file = file(json!({
        "auth": { "type": "cognito", "domain": "a.test", "client_id": "a", "client_secret": "b" },
        "retry": { "backoff": { "type": "fixed", "delay": 1 } },
        "breaker": { "type": "ratio", "failure_ratio": 0.5 },
    }));
    let variables = [
        ("HTTP_AUTH_TYPE", "bearer"),
        ("HTTP_AUTH_TOKEN", "hunter2"),
        ("HTTP_RETRY_BACKOFF_TYPE", "exponential"),
        ("HTTP_BREAKER_TYPE", "consecutive"),
    ];
    let config = environment(HttpConfig::builder(), &variables).layer(file).build().unwrap();
    assert_eq!((config.auth().kind, &config.auth().domain), (Some(AuthKind::Bearer), &None));
    assert_eq!(config.retry().backoff.delay, None);
    assert_eq!(config.breaker().failure_ratio, None);
}

#[test]
fn none_takes_a_section_away_and_any_setting_brings_it_back() {
    let breaker =
        || file(json!({ "breaker_threshold": 5, "auth": { "type": "bearer", "token": "a" } }));
    let off =
        [("HTTP_BREAKER_TYPE", "none"), ("HTTP_AUTH_TYPE", "none"), ("HTTP_RETRY_TYPE", "none")];
    let config = environment(HttpConfig::builder(), &off).layer(breaker()).build().unwrap();
    assert_eq!(config.breaker().kind, Some(BreakerKind::None));
    assert_eq!((config.breaker_threshold(), config.auth().token.is_some()), (None, false));
    assert_eq!(config.max_retries(), 0);

    let off = || file(json!({ "breaker": { "type": "none" }, "retry": { "type": "none" } }));
    let on = [("HTTP_BREAKER_THRESHOLD", "7"), ("HTTP_MAX_RETRIES", "4")];
    let config = environment(HttpConfig::builder(), &on).layer(off()).build().unwrap();
    assert_eq!((config.breaker().kind, config.max_retries()), (Some(BreakerKind::Consecutive), 4));
}

#[test]
fn credentials_of_the_environment_stay_out_of_those_of_the_code() {
    let variables = [("HTTP_AUTH_TYPE", "cognito"), ("HTTP_AUTH_DOMAIN", "a.test")];
    let explicit = HttpConfig::builder().auth(AuthConfig::bearer("hunter2"));
    let config = environment(explicit, &variables).build().unwrap();
    assert_eq!((config.auth().kind, &config.auth().domain), (Some(AuthKind::Bearer), &None));
}

#[test]
fn three_layers_are_the_same_in_either_grouping() {
    let layers = || {
        [
            file(json!({ "auth": { "client_id": "top" }, "max_retries": 0 })),
            file(json!({ "auth": { "type": "client_credentials", "client_secret": "s" } })),
            file(
                json!({ "auth": { "type": "bearer", "token": "t" }, "max_retries": 5, "timeout": 5 }),
            ),
        ]
    };
    let [a, b, c] = layers();
    let left = a.layer(b).layer(c);
    let [a, b, c] = layers();
    assert_eq!(left, a.layer(b.layer(c)));
}

/// What one layer took away stays away, whatever is below, and in either grouping.
#[test]
fn a_layer_hides_what_is_below_it_from_those_above() {
    let auth = |value: serde_json::Value| file(json!({ "auth": value }));
    let id = || auth(json!({ "type": "client_credentials", "client_id": "top" }));
    let bearer = || auth(json!({ "type": "bearer", "token": "t" }));
    let old = || auth(json!({ "type": "client_credentials", "client_secret": "old" }));
    let recovery = || file(json!({ "breaker_recovery": 5 }));
    let no_breaker = || file(json!({ "breaker": { "type": "none" } }));
    let breaker = || file(json!({ "breaker_threshold": 3 }));
    let wait =
        || file(json!({ "retry": { "backoff": { "type": "exponential", "base_delay": 1 } } }));
    let fixed = || file(json!({ "retry": { "backoff": { "type": "fixed", "delay": 1 } } }));
    let longest =
        || file(json!({ "retry": { "backoff": { "type": "exponential", "max_delay": 9 } } }));
    type Layer<'a> = &'a dyn Fn() -> HttpConfigBuilder;
    let triples: [[Layer<'_>; 3]; 3] =
        [[&id, &bearer, &old], [&recovery, &no_breaker, &breaker], [&wait, &fixed, &longest]];
    for [a, b, c] in triples {
        let expected = a().layer(b());
        assert_eq!(a().layer(b()).layer(c()), expected);
        assert_eq!(a().layer(b().layer(c())), expected);
        // A fourth that has nothing to say changes nothing.
        assert_eq!(HttpConfig::builder().layer(a()).layer(b()).layer(c()), expected);
    }
    // Nobody is called by a breaker that was taken away because its recovery was set somewhere.
    let error = recovery().layer(no_breaker()).layer(breaker()).build().unwrap_err();
    assert!(error.to_string().starts_with("breaker_recovery is set, but"), "{error}");
}

#[test]
fn a_whole_configuration_is_a_layer_too() {
    let common = HttpConfig::builder().breaker_threshold(3).max_retries(1).build().unwrap();
    let config = HttpConfig::builder().max_retries(2).layer(common).build().unwrap();
    assert_eq!((config.max_retries(), config.breaker_threshold()), (2, Some(3)));
}

#[test]
fn what_does_not_go_together_is_told_when_all_is_together() {
    for (value, message) in [
        (
            json!({ "auth": { "type": "bearer", "token": "hunter2", "domain": "a" } }),
            "auth.domain is set, but auth.type is \"bearer\", which has token",
        ),
        (
            json!({ "auth": { "client_id": "a" } }),
            "auth.type is not set, but auth.client_id is: give \"none\", \"cognito\", \"client_credentials\", \"bearer\"",
        ),
        (
            json!({ "auth": { "type": "client_credentials", "client_id": "a", "client_secret": "b" } }),
            "auth.token_url is not set: auth.type \"client_credentials\" needs it",
        ),
        (
            json!({ "auth": { "type": "cognito", "client_id": "a", "client_secret": "b" } }),
            "auth.domain is not set: give the user pool's domain, or token_url",
        ),
        (
            json!({ "retry": { "type": "none", "max_retries": 2 } }),
            "max_retries is set, but retry.type is \"none\"",
        ),
        (
            json!({ "auth": { "type": "cognito", "domain": "a", "token_url": "https://b", "client_id": "a", "client_secret": "b" } }),
            "auth.domain is set beside token_url: give one of the two",
        ),
        (
            json!({ "retry": { "backoff": { "type": "fixed", "delay": 1, "multiplier": 2 } } }),
            "retry.backoff.multiplier is set, but retry.backoff.type is \"fixed\", which has delay",
        ),
        (
            json!({ "retry": { "backoff": { "type": "fixed" } } }),
            "retry.backoff.delay is not set: ",
        ),
        (
            json!({ "retry": { "backoff": { "delay": 1 } } }),
            "retry.backoff.delay is set, but there is no retry.backoff.type",
        ),
        (
            json!({ "retry": { "jitter": true, "backoff": { "type": "exponential" } } }),
            "retry_jitter is set, but retry.backoff.type is",
        ),
        (json!({ "breaker": { "type": "ratio" } }), "breaker.failure_ratio is not set: "),
        (
            json!({ "breaker": { "window": 5 } }),
            "breaker.window is set, but there is no circuit breaker: ",
        ),
        (
            json!({ "breaker": { "type": "consecutive", "failure_ratio": 0.5 } }),
            "breaker.failure_ratio is set, but ",
        ),
        (
            json!({ "redirects": { "type": "none", "limit": 2 } }),
            "redirects.limit is set, but redirects.type is \"none\"",
        ),
        (
            json!({ "limits": { "rate_limit": { "calls": 2 } } }),
            "limits.rate_limit.per is not set: ",
        ),
    ] {
        let error = build_error(file(value.clone()).build());
        assert!(error.starts_with(message), "{error}");
        let read = serde_json::from_value::<HttpConfig>(value).unwrap_err().to_string();
        assert_eq!(read, error);
    }
}
