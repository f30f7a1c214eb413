//! Variables: prefixes, slips, secrets in files, what is no text.

use std::ffi::OsString;

use midil_http::{HttpConfig, HttpConfigBuilder, SecretSetting};

use crate::support::build_error;

fn with(
    prefix: &str,
    variables: &[(&'static str, &'static str)],
) -> Result<HttpConfigBuilder, midil_http::Error> {
    HttpConfig::builder().env_from(prefix, variables.iter().copied())
}

#[test]
fn a_prefix_has_settings_of_its_own() {
    let variables = [("HTTP_TIMEOUT", "1"), ("A_TIMEOUT", "2"), ("A_B_TIMEOUT", "3")];
    for (prefix, seconds) in [("HTTP", 1), ("A_B", 3)] {
        let config = with(prefix, &variables).unwrap().build().unwrap();
        assert_eq!(config.timeout().as_secs(), seconds);
    }
    let config = with("NOBODY", &variables).unwrap().build().unwrap();
    assert_eq!(config, HttpConfig::default());
}

#[test]
fn a_variable_that_is_no_setting_is_a_slip_but_with_the_prefix_that_others_use_too() {
    for (variable, hint) in [
        ("A_TIMOUT", "did you mean A_TIMEOUT?"),
        ("A_AUTH_CLIENT_SECERT", "did you mean A_AUTH_CLIENT_SECRET?"),
        ("A_AUTH_CLIENT_SECRT_FILE", "did you mean A_AUTH_CLIENT_SECRET_FILE?"),
        ("A_RETRY_BACKOFF_TYP", "did you mean A_RETRY_BACKOFF_TYPE?"),
        ("A_DATABASE_URL", "unset it, or rename it"),
    ] {
        let error = build_error(with("A", &[(variable, "hunter2")]).map(drop));
        assert!(error.starts_with(&format!("{variable} is no setting: {hint}")), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(with("A", &[(variable, "")]).unwrap(), HttpConfig::builder(), "empty is unset");
    }
    let others =
        [("HTTP_PROXY", "http://p:1"), ("HTTP_TIMOUT", "1"), ("HTTPS_PROXY", "http://p:1")];
    assert_eq!(with("HTTP", &others).unwrap(), HttpConfig::builder());
}

#[test]
fn a_prefix_that_cannot_be_one_is_refused() {
    for prefix in ["", "orders", "ORDERS_", "A B", "A=B", "É"] {
        let error = build_error(with(prefix, &[]).map(drop));
        assert!(
            error.starts_with(&format!("the prefix {prefix:?} of variables cannot be: give ")),
            "{error}"
        );
        assert_eq!(build_error(HttpConfig::from_env_with_prefix(prefix)), error);
    }
}

#[test]
fn bad_values_name_the_variable_the_value_and_what_is_allowed() {
    for (variable, value, message) in [
        ("A_TRANSPORT_TYPE", "curl", "is \"curl\": give \"reqwest\", \"hyper\" or \"isahc\""),
        (
            "A_AUTH_TYPE",
            "oauth",
            "is \"oauth\": give \"none\", \"cognito\", \"client_credentials\", \"bearer\", \"basic\" or \"api_key\"",
        ),
        ("A_TOTAL_TIMEOUT", "1m", "is \"1m\": give a finite number of seconds above 0"),
        (
            "A_RETRY_RETRY_ON_STATUS",
            "429,99",
            "is \"429,99\": give statuses of responses, such as 429 and 503",
        ),
        ("A_TRANSPORT_LOCAL_ADDRESS", "here", "is \"here\": give an IP address"),
        (
            "A_TRANSPORT_PROXY",
            "http://ada:hunter2@p",
            "is \"http://p\": give \"environment\", \"none\" or http://host:port without credentials",
        ),
        (
            "A_AUTH_PARAMETERS",
            "hunter2",
            "is not what it should be: give a table of texts (in a variable: a=1,b=2)",
        ),
        ("A_LIMITS_HEDGE_PERCENTILE", "NaN", "is \"NaN\": give a finite number, 0 or more"),
    ] {
        let error = build_error(with("A", &[(variable, value)]).map(drop));
        assert_eq!(error, format!("{variable} {message}"));
    }
}

#[test]
fn a_setting_has_one_variable_at_a_time() {
    for (variables, message) in [
        (
            &[("A_MAX_CONNECTIONS", "1"), ("A_TRANSPORT_MAX_CONNECTIONS", "1")][..],
            "A_TRANSPORT_MAX_CONNECTIONS is set by its short name as well: ",
        ),
        (
            &[("A_AUTH_TOKEN", "a"), ("A_AUTH_TOKEN_FILE", "/b")][..],
            "A_AUTH_TOKEN_FILE is set beside A_AUTH_TOKEN: set one of the two",
        ),
    ] {
        let error = build_error(with("A", variables).map(drop));
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn a_secret_may_be_in_a_file_and_is_taken_as_it_is() {
    let variables = [
        ("A_AUTH_TYPE", "client_credentials"),
        ("A_AUTH_TOKEN_URL", "https://a.test/token"),
        ("A_AUTH_CLIENT_ID", " reports "),
        ("A_AUTH_CLIENT_SECRET_FILE", "/run/secrets/a"),
    ];
    let config = with("A", &variables).unwrap().build().unwrap();
    let auth = config.auth();
    assert_eq!(auth.client_secret, Some(SecretSetting::file("/run/secrets/a")));
    assert_eq!(auth.client_id.as_deref(), Some("reports"));
    let spaced = with("A", &[("A_AUTH_TYPE", "bearer"), ("A_AUTH_TOKEN", " a b ")]).unwrap();
    assert_eq!(spaced.build().unwrap().auth().token, Some(SecretSetting::from(" a b ")));
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_named() {
    use std::os::unix::ffi::OsStringExt as _;

    let bytes = OsString::from_vec(vec![0xff, b'h']);
    let bad =
        |name: &str| HttpConfig::builder().env_from("A", [(OsString::from(name), bytes.clone())]);
    let message = "is not valid UTF-8: set it anew or unset it";
    assert_eq!(build_error(bad("A_TIMEOUT").map(drop)), format!("A_TIMEOUT {message}"));
    assert_eq!(build_error(bad("A_AUTH_KEY").map(drop)), format!("A_AUTH_KEY {message}"));
    assert_eq!(bad("OTHER").unwrap(), HttpConfig::builder());
    let name = OsString::from_vec(vec![b'A', b'_', 0xff]);
    let error = build_error(HttpConfig::builder().env_from("A", [(name, "x")]).map(drop));
    assert!(error.contains("is no setting"), "{error}");
}

/// There, a client's `Auth-Token-Url:` header would be `HTTP_AUTH_TOKEN_URL`.
#[test]
fn headers_of_a_request_that_cgi_serves_are_no_settings() {
    let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_ACCEPT", "*/*"), ("HTTP_HOST", "a.test")];
    assert_eq!(with("HTTP", &cgi).unwrap(), HttpConfig::builder());
    let attack = [("REQUEST_METHOD", "GET"), ("HTTP_AUTH_TOKEN_URL", "https://evil.test/")];
    let error = build_error(with("HTTP", &attack).map(drop));
    assert!(
        error.starts_with("HTTP_AUTH_TOKEN_URL may come from a header of the request"),
        "{error}"
    );
    let own = [("REQUEST_METHOD", "GET"), ("A_TIMEOUT", "5")];
    assert_eq!(with("A", &own).unwrap().build().unwrap().timeout().as_secs(), 5);
}

#[test]
fn from_env_with_prefix_reads_the_environment_of_the_process() {
    if std::env::var_os(super::CHILD).is_some() {
        match HttpConfig::from_env_with_prefix("MIDIL_TEST_ORDERS") {
            Ok(config) => println!("[{:?} {:?}]", config.timeout(), config.auth().token),
            Err(error) => println!("[{error}]"),
        }
        return;
    }
    for (variables, expected) in [
        (&[][..], "[30s None]"),
        (&[("MIDIL_TEST_ORDERS_TIMEOUT", "4"), ("HTTP_TIMEOUT", "9")], "[4s None]"),
        (
            &[
                ("MIDIL_TEST_ORDERS_AUTH_TYPE", "bearer"),
                ("MIDIL_TEST_ORDERS_AUTH_TOKEN", "hunter2"),
            ],
            "[30s Some(Value(Secret(..)))]",
        ),
        (
            &[("MIDIL_TEST_ORDERS_TIMOUT", "4")],
            "[MIDIL_TEST_ORDERS_TIMOUT is no setting: did you mean",
        ),
    ] {
        let this = "config::environment::from_env_with_prefix_reads_the_environment_of_the_process";
        let output = super::in_a_process(this, variables);
        assert!(output.contains(expected), "{variables:?}: {output}");
    }
}

/// A value that only whoever uses it can judge is named by its path, and by the variable that it came from.
#[cfg(feature = "retry")]
#[test]
fn what_is_found_wrong_later_names_its_variable_too() {
    use midil_http::Standard;

    let made = |builder: HttpConfigBuilder, variables: &[(&str, &str)]| {
        let variables = variables.iter().copied();
        let config = builder.env_from("APP", variables)?.build()?;
        Standard::from_config(&config).map(drop)
    };
    for (variables, message) in [
        (
            &[("APP_LIMITS_HEDGE_MAX_HEDGES", "50")][..],
            "limits.hedge.max_hedges is 50: give a number from 1 to 10 (it is set by APP_LIMITS_HEDGE_MAX_HEDGES)",
        ),
        (
            &[
                ("APP_RETRY_BACKOFF_TYPE", "exponential_with_jitter"),
                ("APP_RETRY_BACKOFF_JITTER", "7"),
            ],
            "retry.backoff.jitter is 7: give a number from 0 to 1 (it is set by APP_RETRY_BACKOFF_JITTER)",
        ),
        (
            &[("APP_RETRY_BACKOFF_BASE_DELAY", "0")],
            "retry.backoff.base_delay is zero: give a positive duration, or use FixedDelayBackoff for no wait (it is set by APP_RETRY_BACKOFF_BASE_DELAY)",
        ),
        (
            &[("APP_BREAKER_TYPE", "ratio"), ("APP_BREAKER_FAILURE_RATIO", "3")],
            "breaker.failure_ratio is 3: give a part above 0 and up to 1, such as 0.5 (it is set by APP_BREAKER_FAILURE_RATIO)",
        ),
        (
            &[("APP_AUTH_TYPE", "bearer"), ("APP_AUTH_TOKEN", "hunter2"), ("APP_AUTH_DOMAIN", "a")],
            "auth.domain is set, but auth.type is \"bearer\", which has token (it is set by APP_AUTH_DOMAIN)",
        ),
        (
            &[("APP_RETRY_TYPE", "none"), ("APP_MAX_RETRIES", "3")],
            "max_retries is set, but retry.type is \"none\": leave one of the two out (it is set by APP_MAX_RETRIES)",
        ),
    ] {
        let error = made(HttpConfig::builder(), variables).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    // What code has set did not come from a variable, though there is one.
    let hedge = midil_http::HedgeConfig::new().max_hedges(60);
    let limits = midil_http::LimitsConfig::new().hedge(hedge);
    let variables = [("APP_LIMITS_HEDGE_MAX_HEDGES", "50")];
    for builder in [
        HttpConfig::builder().limits(limits.clone()).env_from("APP", variables).unwrap(),
        HttpConfig::builder().env_from("APP", variables).unwrap().limits(limits),
    ] {
        let error = Standard::from_config(&builder.build().unwrap()).unwrap_err().to_string();
        assert!(
            error.starts_with("limits.hedge.max_hedges is 60") && !error.contains("APP"),
            "{error}"
        );
    }
}

#[test]
fn urls_name_their_variable_unless_code_sets_another() {
    type Builder = midil_http::HttpClientBuilder;
    type Set = fn(Builder, &str) -> Builder;
    let by_code: [(&str, &str, Set); 3] = [
        ("APP_BASE_URL", "base_url", |builder, url| builder.base_url(url)),
        ("APP_ALLOW_ORIGINS", "allow_origin", |builder, url| builder.allow_origin(url)),
        ("APP_AUTH_ORIGINS", "auth_origin", |builder, url| builder.auth_origin(url)),
    ];
    let builder = |variables: &[(&str, &str)]| {
        let config = HttpConfig::builder().env_from("APP", variables.iter().copied());
        let config = config.unwrap().build().unwrap();
        midil_http::HttpClient::builder(midil_http_test::MockTransport::new()).config(&config)
    };
    for (variable, setting, set) in by_code {
        // Of several, the one that is wrong.
        let value =
            if setting == "base_url" { "api.test" } else { "https://good.test, api.test:nowhere" };
        let message = build_error(builder(&[(variable, value)]).build());
        assert!(message.starts_with(&format!("{setting} cannot be \"api.test")), "{message}");
        assert!(message.ends_with(&format!(" (it is set by {variable})")), "{message}");

        let good = builder(&[(variable, "https://good.test")]);
        let message = build_error(set(good, "other.test").build());
        assert!(message.starts_with(&format!("{setting} cannot be \"other.test")), "{message}");
        assert!(!message.contains("APP"), "{message}");
    }
    let message = build_error(builder(&[("APP_BASE_URL", "a.test")]).base_url("b.test").build());
    assert!(message.starts_with("base_url cannot be") && !message.contains("APP"), "{message}");
}
