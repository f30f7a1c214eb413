//! Files that cannot be: each error names the key by its path, what it is, and what is allowed; never a secret.

use std::time::Duration;

use midil_http::{HttpConfig, HttpConfigBuilder};
use proptest::prelude::*;
use serde_json::json;

fn error(value: serde_json::Value) -> String {
    serde_json::from_value::<HttpConfigBuilder>(value).unwrap_err().to_string()
}

#[test]
fn each_names_the_path_the_value_and_what_is_allowed() {
    let length = "give a finite number of seconds above 0, or text such as \"1.5s\" or \"500ms\"";
    for (value, message) in [
        (json!({ "timeout": "soon" }), format!("timeout is \"soon\": {length}")),
        (json!({ "timeout": "5" }), format!("timeout is \"5\": {length}")),
        (json!({ "timeout": true }), format!("timeout is true: {length}")),
        (json!({ "timeout": [1] }), format!("timeout is a list: {length}")),
        (json!({ "timeout": 1e300 }), "timeout is 1000000000000000".into()),
        (json!({ "timeout": "0s" }), "timeout is zero: give a positive duration".into()),
        (
            json!({ "max_retries": 1.5 }),
            "max_retries is 1.5: give a whole number, 0 or more".into(),
        ),
        (json!({ "max_retries": -1 }), "max_retries is -1: give a whole number, 0 or more".into()),
        (
            json!({ "max_retries": 4294967296_u64 }),
            "max_retries is 4294967296: give a whole number".into(),
        ),
        (json!({ "decompress": "yes" }), "decompress is \"yes\": give true or false".into()),
        (
            json!({ "transport": { "type": "curl" } }),
            "transport.type is \"curl\": give \"reqwest\", \"hyper\" or \"isahc\"".into(),
        ),
        (
            json!({ "transport": { "protocol": "spdy" } }),
            "transport.protocol is \"spdy\": give \"negotiated\", ".into(),
        ),
        (
            json!({ "transport": { "connect_timeout": 0 } }),
            "transport.connect_timeout is zero: ".into(),
        ),
        (
            json!({ "transport": { "user_agent": "a\nb" } }),
            "transport.user_agent cannot be sent: ".into(),
        ),
        (
            json!({ "retry": { "backoff": { "type": "linear" } } }),
            "retry.backoff.type is \"linear\": give \"full_jitter\", ".into(),
        ),
        (
            json!({ "retry": { "retry_on_status": [503, 42] } }),
            "retry.retry_on_status has 42: give statuses".into(),
        ),
        (
            json!({ "retry": { "retry_on_status": [503, "x"] } }),
            "retry.retry_on_status is a list with \"x\": ".into(),
        ),
        (
            json!({ "breaker": "ratio" }),
            "breaker is a single value: give a table of settings".into(),
        ),
        (json!({ "limits": { "bulkhead": 5 } }), "limits.bulkhead is a single value: ".into()),
        (json!([]), "the configuration is a list: give a table of settings".into()),
        (
            json!({ "max_retries": 1, "retry": { "max_retries": 1 } }),
            "retry.max_retries is set by its short name as well".into(),
        ),
    ] {
        let error = error(value);
        assert!(error.starts_with(&message), "{error}\n{message}");
    }
}

#[test]
fn an_unknown_key_is_named_by_its_path_with_what_was_meant() {
    for (value, start, hint) in [
        (
            json!({ "auth": { "client_idd": "hunter2" } }),
            "unknown field `auth.client_idd`, expected one of `type`, `domain`, ",
            "; did you mean `auth.client_id`?",
        ),
        (
            json!({ "retry": { "backof": {} } }),
            "unknown field `retry.backof`, ",
            "; did you mean `retry.backoff`?",
        ),
        (
            json!({ "limits": { "hedge": { "dealy": 1 } } }),
            "unknown field `limits.hedge.dealy`, ",
            "; did you mean `limits.hedge.delay`?",
        ),
        (
            json!({ "colour": "red" }),
            "unknown field `colour`, expected one of `base_url`, ",
            "`auth`",
        ),
    ] {
        let error = error(value);
        assert!(error.starts_with(start) && error.ends_with(hint), "{error}");
    }
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    for value in [
        json!({ "auth": "hunter2" }),
        json!({ "auth": ["hunter2"] }),
        json!({ "auth": { "client_secret": ["hunter2"] } }),
        json!({ "auth": { "client_secret": { "path": "hunter2" } } }),
        json!({ "auth": { "client_secret": { "env": "A", "value": "hunter2" } } }),
        json!({ "auth": { "token": { "env": ["hunter2"] } } }),
        json!({ "auth": { "client_id": ["hunter2"] } }),
        json!({ "auth": { "header": { "x-api-key": "hunter2" } } }),
        json!({ "auth": { "parameters": "hunter2" } }),
        json!({ "auth": { "parameters": { "password": ["hunter2"] } } }),
        json!({ "auth": { "scopes": [{ "a": "hunter2" }] } }),
        json!({ "transport": { "proxy": "http://ada:hunter2@p.test:3128" } }),
        json!({ "transport": { "proxy_password": { "a": "hunter2" } } }),
        json!({ "base_url": { "a": "https://ada:hunter2@a.test" } }),
    ] {
        let error = error(value.clone());
        assert!(!error.contains("hunter2") && error.contains("give "), "{value}: {error}");
    }
    for number in
        [json!({ "auth": { "token": 7357 } }), json!({ "auth": { "client_secret": 7357 } })]
    {
        assert!(!error(number.clone()).contains("7357"), "{number}");
    }
}

#[test]
fn a_secret_is_neither_shown_nor_written() {
    let text = r#"{
        "auth": { "type": "basic", "username": "hunter2", "password": "hunter2" },
        "transport": { "proxy": "http://p.test", "proxy_password": "hunter2" }
    }"#;
    let config: HttpConfig = serde_json::from_str(text).unwrap();
    let layer: HttpConfigBuilder = config.clone().into();
    let written = serde_json::to_string(&config).unwrap();
    for text in [format!("{config:?} {layer:?} {:#?}", config.auth()), written.clone()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let refused = serde_json::from_str::<HttpConfig>(&written).unwrap_err().to_string();
    assert!(
        refused.contains("is redacted, as the secret was when this was written: give a text"),
        "{refused}"
    );
}

#[test]
fn a_configuration_is_read_from_toml_as_from_json() {
    let text =
        "timeout = \"2m\"\nmax_retries = 4\n\n[retry.backoff]\ntype = \"fixed\"\ndelay = 0.5\n";
    let config: HttpConfig = toml::from_str(text).unwrap();
    let same = json!({ "timeout": 120, "max_retries": 4, "retry": { "backoff": { "type": "fixed", "delay": "500ms" } } });
    assert_eq!(config, serde_json::from_value(same).unwrap());
    assert_eq!(config.timeout(), Duration::from_secs(120));
    let written = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<HttpConfig>(&written).unwrap(), config, "{written}");
    for (text, message) in [
        ("timeout = inf", "timeout is infs: give a finite number"),
        ("timeout = nan", "timeout is NaNs: give a finite number"),
        ("retry_backoff_factor = inf", "retry_backoff_factor is inf: give a finite number"),
        (
            "[auth]\ntype = \"bearer\"\ntokn = \"hunter2\"",
            "unknown field `auth.tokn`, expected one of",
        ),
        ("timeout = 1979-05-27", "timeout is a table: give"),
    ] {
        let error = toml::from_str::<HttpConfig>(text).unwrap_err();
        assert!(error.message().starts_with(message), "{}", error.message());
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", key in "[a-z_.]{0,20}", value in ".{0,20}") {
        drop(serde_json::from_str::<HttpConfig>(&text));
        drop(toml::from_str::<HttpConfig>(&text));
        let json = json!({ &key: value, "auth": { "token": value, "type": value }, "timeout": value });
        drop(serde_json::from_value::<HttpConfig>(json));
        drop(HttpConfig::builder().env_from(&key.to_uppercase(), [(key.to_uppercase(), value.clone())]));
        for name in ["A_TIMEOUT", "A_AUTH_PARAMETERS", "A_ALLOW_ORIGINS", "A_RETRY_RETRY_ON_STATUS"] {
            drop(HttpConfig::builder().env_from("A", [(name, &value)]).map(|layer| layer.build()));
        }
    }

    #[test]
    fn no_number_panics(seconds: f64, whole: i64) {
        for number in [json!(seconds), json!(whole)] {
            for key in ["timeout", "max_retries", "retry_backoff_factor", "max_response_bytes", "keepalive_expiry"] {
                drop(serde_json::from_value::<HttpConfig>(json!({ key: number })));
            }
        }
    }

    #[test]
    fn a_duration_survives_any_file(seconds in 1_u64.., nanos in 0_u32..1_000_000_000) {
        let config = HttpConfig::builder().timeout(Duration::new(seconds, nanos)).build().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        prop_assert_eq!(&serde_json::from_str::<HttpConfig>(&json).unwrap(), &config);
        let text = toml::to_string(&config).unwrap();
        prop_assert_eq!(toml::from_str::<HttpConfig>(&text).unwrap(), config);
    }
}

/// Not every format looks for it itself.
#[test]
fn a_key_that_is_there_twice_is_an_error_wherever_it_is() {
    for text in [r#"{"timeout":1,"timeout":2}"#, r#"{"retry":{"jitter":true,"jitter":true}}"#] {
        let error = serde_json::from_str::<HttpConfig>(text).unwrap_err().to_string();
        assert!(error.contains("is set twice: set it once"), "{error}");
    }
}
