//! Settings.
//!
//! - Lines that begin with `HTTP_`: the environment. What is taken is what a plain reading of the number says, and can be
//!   built; what is refused is named, with its value.
//! - Anything else: JSON. What is taken comes back from its own JSON, makes a client, and shows no userinfo.

use std::collections::HashMap;
use std::time::Duration;

use midil_http_core::{Body, Error, HttpClient, HttpConfig, Request};
use midil_retry::DefaultRetryStrategy;
use serde_json::Value;
use url::Url;

use super::input::rendered;

pub(super) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.starts_with("HTTP_") { environment(text) } else { json(text) }
}

fn json(text: &str) {
    let secret = password(text);
    let config = match serde_json::from_str::<HttpConfig>(text) {
        Ok(config) => config,
        Err(error) => {
            assert!(secret.is_none_or(|secret| !rendered(&error).contains(&secret)), "{error}");
            return;
        }
    };
    let written = serde_json::to_string(&config).unwrap();
    // What may be a secret is not written: userinfo and the query of a URL, a password.
    let hides = text.contains('@') || ["…", "redacted"].iter().any(|sign| written.contains(sign));
    if !hides && serde_json::from_str::<Value>(text).is_ok_and(|value| is_exact(&value)) {
        let again: HttpConfig = serde_json::from_str(&written).unwrap();
        assert_eq!(again, config, "{written}");
        assert_eq!(serde_json::to_string(&again).unwrap(), written);
    }
    assert!(!config.timeout().is_zero() && config.max_connections() > 0, "{config:?}");
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let client = HttpClient::builder(transport).config(&config).build();
    let strategy = DefaultRetryStrategy::from_config(&config).map(drop);
    for error in [client.map(drop).err(), strategy.err()].into_iter().flatten() {
        assert!(matches!(error, Error::Build(_)), "{error:?}");
        assert!(secret.as_ref().is_none_or(|secret| !rendered(&error).contains(secret)));
    }
    let shown = format!("{config:?}");
    assert!(secret.is_none_or(|secret| !shown.contains(&secret)), "{shown}");
}

/// Whether all numbers come back from JSON: `serde_json` may be off by the last bit of a double, which is nothing where seconds
/// are counted, unless they are very many.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.to_string().len() < 12 && number.as_f64().is_some_and(|number| number < 1e6)
        }
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        _ => true,
    }
}

/// That of the base URL, when it is nothing that other fields could say.
fn password(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let url = Url::parse(value.get("base_url")?.as_str()?).ok()?;
    let password = url.password()?.to_owned();
    (password.len() > 5 && text.matches(&password).count() == 1).then_some(password)
}

fn environment(text: &str) {
    let variables: HashMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once('=')).collect();
    let lookup = |name: &str| Ok(variables.get(name).map(|value| (*value).to_owned()));
    let value = |name: &str| {
        let value = variables.get(name).map(|value| value.trim())?;
        (!value.is_empty()).then_some(value)
    };
    let outcome = HttpConfig::builder().vars(lookup).and_then(|builder| builder.build());
    let config = match outcome {
        Ok(config) => config,
        Err(error) => {
            let said = error.to_string();
            let is_named = |(name, value): (&&str, &&str)| {
                said.contains(*name) && said.contains(&format!("{:?}", value.trim()))
            };
            // What goes wrong between settings names the setting.
            let is_between =
                ["breaker", "short name", "auth."].iter().any(|what| said.contains(what));
            assert!(variables.iter().any(is_named) || is_between, "{said}");
            return;
        }
    };
    if let Some(value) = value("HTTP_MAX_CONNECTIONS") {
        let digits = value.strip_prefix('+').unwrap_or(value);
        assert_eq!(digits.trim_start_matches('0'), config.max_connections().to_string());
    }
    if let Some(value) = value("HTTP_TIMEOUT") {
        let seconds: f64 = value.parse().unwrap();
        assert!(seconds > 0.0 && seconds.is_finite(), "{value}");
        let off = config.timeout().abs_diff(Duration::from_secs_f64(seconds));
        assert!(off <= Duration::from_nanos(1), "{value}: {config:?}");
    }
    for name in ["HTTP_RETRY_JITTER", "HTTP_RETRY_BUDGET"] {
        let known = ["true", "1", "yes", "on", "false", "0", "no", "off"];
        let known = |value: &str| known.contains(&&*value.to_ascii_lowercase());
        assert!(value(name).is_none_or(known), "{name}");
    }
    if let Some(value) = value("HTTP_RETRY_BACKOFF_FACTOR") {
        let factor: f64 = value.parse().unwrap();
        assert!((1.0..f64::INFINITY).contains(&factor), "{value}");
    }
    DefaultRetryStrategy::from_config(&config).unwrap();
}
