use std::time::Duration;

use super::*;
use crate::Protocol;

fn from_vars(vars: &[(&str, &str)]) -> Result<HttpConfig, String> {
    let lookup = |name: &str| {
        Ok(vars
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).to_owned()))
    };
    HttpConfig::builder()
        .vars(lookup)
        .and_then(HttpConfigBuilder::build)
        .map_err(|error| error.to_string())
}

#[test]
fn every_variable_is_read() {
    let config = from_vars(&[
        ("HTTP_TIMEOUT", "1.5"),
        ("HTTP_MAX_CONNECTIONS", "7"),
        ("HTTP_MAX_KEEPALIVE_CONNECTIONS", "0"),
        ("HTTP_KEEPALIVE_EXPIRY", "0"),
        ("HTTP_MAX_RETRIES", " 5 "),
        ("HTTP_RETRY_BACKOFF_FACTOR", "3"),
        ("HTTP_RETRY_MAX_BACKOFF", "0.25"),
        ("HTTP_RETRY_JITTER", "No"),
        ("HTTP_RETRY_BUDGET", "off"),
        ("HTTP_BREAKER_THRESHOLD", "4"),
        ("HTTP_BREAKER_RECOVERY", "2.5"),
        ("HTTP_MAX_IN_FLIGHT", "9"),
    ])
    .unwrap();
    assert_eq!(config.timeout(), Duration::from_millis(1500));
    assert_eq!((config.max_connections(), config.max_keepalive_connections()), (7, 0));
    assert_eq!(config.keepalive_expiry(), Duration::ZERO);
    assert_eq!(config.max_retries(), 5);
    assert!((config.retry_backoff_factor() - 3.0).abs() < f64::EPSILON);
    assert_eq!(config.retry_max_backoff(), Duration::from_millis(250));
    assert!(!config.retry_jitter() && !config.retry_budget());
    assert_eq!(config.breaker_threshold(), Some(4));
    assert_eq!(config.breaker_recovery(), Duration::from_millis(2500));
    assert_eq!(config.max_in_flight(), Some(9));
}

#[test]
fn what_is_empty_or_unset_has_its_default() {
    assert_eq!(
        from_vars(&[("HTTP_TIMEOUT", ""), ("HTTP_RETRY_JITTER", "  ")]).unwrap(),
        HttpConfig::default()
    );
}

#[test]
fn a_bad_value_names_variable_value_and_remedy() {
    for (name, value, remedy) in [
        ("HTTP_TIMEOUT", "0", "a finite number of seconds above 0"),
        ("HTTP_TIMEOUT", "NaN", "a finite number of seconds above 0"),
        ("HTTP_TIMEOUT", "inf", "a finite number of seconds above 0"),
        ("HTTP_TIMEOUT", "-1", "a finite number of seconds above 0"),
        ("HTTP_TIMEOUT", "1e30", "a finite number of seconds above 0"),
        ("HTTP_TIMEOUT", "30s", "a finite number of seconds above 0"),
        ("HTTP_MAX_CONNECTIONS", "0", "a whole number above 0"),
        ("HTTP_MAX_CONNECTIONS", "1.5", "a whole number above 0"),
        ("HTTP_MAX_KEEPALIVE_CONNECTIONS", "-1", "a whole number, 0 or more"),
        ("HTTP_KEEPALIVE_EXPIRY", "-0.1", "a finite number of seconds, 0 or more"),
        ("HTTP_MAX_RETRIES", "many", "a whole number, 0 or more"),
        ("HTTP_RETRY_BACKOFF_FACTOR", "0.5", "a finite number of at least 1"),
        ("HTTP_RETRY_BACKOFF_FACTOR", "nan", "a finite number of at least 1"),
        ("HTTP_RETRY_MAX_BACKOFF", "soon", "a finite number of seconds above 0"),
        ("HTTP_RETRY_JITTER", "maybe", "true or false"),
    ] {
        let message = from_vars(&[(name, value)]).unwrap_err();
        assert_eq!(message, format!("{name} is {value:?}: give {remedy}"));
    }
}

#[test]
fn explicit_beats_environment_beats_default() {
    let lookup = |name: &str| Ok((name == "HTTP_TIMEOUT").then(|| "7".to_owned()));
    let explicit = HttpConfig::builder()
        .timeout(Duration::from_secs(5))
        .vars(lookup)
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(explicit.timeout(), Duration::from_secs(5));
    let environment = HttpConfig::builder().vars(lookup).unwrap().build().unwrap();
    assert_eq!(environment.timeout(), Duration::from_secs(7));
    assert_eq!(HttpConfig::default().timeout(), Duration::from_secs(30));
}

#[test]
fn serialised_settings_round_trip() {
    let config = HttpConfig::builder()
        .base_url("https://api.example.com")
        .timeout(Duration::from_millis(1500))
        .total_timeout(Duration::from_secs(9))
        .max_retries(0)
        .retry_jitter(false)
        .build()
        .unwrap();
    // A URL that is none is a client's error, not a configuration's: it stays what it is.
    let unusual = HttpConfig::builder().base_url("c:\\'a'\t\"b\"/é").build().unwrap();
    for config in [config, unusual] {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<HttpConfig>(&text).unwrap(), config);
    }
}

#[test]
fn bad_settings_and_unknown_keys_are_errors_that_name_them() {
    for (text, start) in [
        (r#"{"timeout": 0}"#, "timeout is zero: give a positive duration"),
        (r#"{"timeout": -2.5}"#, "timeout is -2.5s: give a finite number of seconds"),
        (r#"{"total_timeout": 0}"#, "total_timeout is zero"),
        (r#"{"max_connections": 0}"#, "max_connections is 0: give at least 1"),
        (
            r#"{"retry_backoff_factor": 0.5}"#,
            "retry_backoff_factor is 0.5: give a finite number of at least 1",
        ),
        (r#"{"timeuot": 3}"#, "unknown field `timeuot`, expected one of `base_url`, `timeout`"),
    ] {
        let error = serde_json::from_str::<HttpConfig>(text).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

/// Programs that write a setting that they do not have write `null`.
#[test]
fn null_is_as_good_as_not_set() {
    let read = serde_json::from_str::<HttpConfig>;
    for text in [
        "null",
        r#"{"timeout": null, "retry": null, "auth": null, "limits": null}"#,
        r#"{"retry": {"budget": null}, "auth": {"token": null}, "limits": {"hedge": null}}"#,
    ] {
        assert_eq!(read(text).unwrap(), HttpConfig::default(), "{text}");
    }
    let error = read(r#"{"allow_origins": [null]}"#).unwrap_err().to_string();
    assert!(error.starts_with("allow_origins is a list with nothing: give "), "{error}");
    // It does not hide a slip.
    let error = read(r#"{"timeuot": null}"#).unwrap_err().to_string();
    assert!(error.starts_with("unknown field `timeuot`"), "{error}");
}

#[test]
fn a_transport_speaks_the_protocol_of_its_configuration() {
    for (kind, protocol) in [
        (None, Protocol::Negotiated),
        (Some(ProtocolKind::Negotiated), Protocol::Negotiated),
        (Some(ProtocolKind::Http1), Protocol::Http1),
        (Some(ProtocolKind::Http2), Protocol::Http2PriorKnowledge),
    ] {
        let mut transport = TransportConfig::new();
        transport.protocol = kind;
        assert_eq!(transport.settings().unwrap().protocol, protocol);
    }
}

#[test]
fn a_client_certificate_has_both_of_its_files() {
    for (transport, start) in [
        (
            TransportConfig::new().client_certificate("a.pem"),
            "transport.client_certificate is set without client_key: ",
        ),
        (
            TransportConfig::new().client_key("a.pem"),
            "transport.client_key is set without client_certificate: ",
        ),
    ] {
        let error = transport.settings().unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}
