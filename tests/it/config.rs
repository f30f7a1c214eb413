//! Config: defaults, the environment, and what a client makes of them.

mod bad_values;
#[cfg(feature = "retry")]
mod behaviour;
mod environment;
mod layers;
mod three_ways;
#[cfg(all(
    feature = "retry",
    feature = "auth",
    any(feature = "reqwest", feature = "hyper", feature = "isahc")
))]
mod whole_client;

use std::process::Command;
use std::time::Duration;

use midil_http::{Error, HttpConfig, HttpConfigBuilder, TimeoutKind};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use crate::support::{build_error, over};

/// A variable, and how its setting is set and read otherwise.
struct Variable {
    name: &'static str,
    default: &'static str,
    /// A good value, and what is read then.
    value: (&'static str, &'static str),
    /// A setting by code, and what is read then.
    explicit: (fn(HttpConfigBuilder) -> HttpConfigBuilder, &'static str),
    read: fn(&HttpConfig) -> String,
    bad: &'static [&'static str],
}

const BAD_SECONDS: &[&str] = &["0", "-1", "NaN", "inf", "1e30", "30s", "soon", "1,5"];
const BAD_COUNTS: &[&str] = &["-1", "1.5", "many", "0x10", "99999999999999999999"];

const VARIABLES: [Variable; 11] = [
    Variable {
        name: "HTTP_TIMEOUT",
        default: "30s",
        value: ("1.5", "1.5s"),
        explicit: (|config| config.timeout(Duration::from_secs(7)), "7s"),
        read: |config| format!("{:?}", config.timeout()),
        bad: BAD_SECONDS,
    },
    Variable {
        name: "HTTP_MAX_CONNECTIONS",
        default: "100",
        value: ("5", "5"),
        explicit: (|config| config.max_connections(7), "7"),
        read: |config| config.max_connections().to_string(),
        bad: &["0", "-1", "1.5", "many"],
    },
    Variable {
        name: "HTTP_MAX_KEEPALIVE_CONNECTIONS",
        default: "20",
        value: ("0", "0"),
        explicit: (|config| config.max_keepalive_connections(7), "7"),
        read: |config| config.max_keepalive_connections().to_string(),
        bad: BAD_COUNTS,
    },
    Variable {
        name: "HTTP_KEEPALIVE_EXPIRY",
        default: "30s",
        value: ("0", "0ns"),
        explicit: (|config| config.keepalive_expiry(Duration::from_secs(7)), "7s"),
        read: |config| format!("{:?}", config.keepalive_expiry()),
        bad: &["-1", "NaN", "inf", "soon"],
    },
    Variable {
        name: "HTTP_MAX_RETRIES",
        default: "2",
        value: ("0", "0"),
        explicit: (|config| config.max_retries(7), "7"),
        read: |config| config.max_retries().to_string(),
        bad: BAD_COUNTS,
    },
    Variable {
        name: "HTTP_RETRY_BACKOFF_FACTOR",
        default: "2",
        value: ("1", "1"),
        explicit: (|config| config.retry_backoff_factor(1.5), "1.5"),
        read: |config| config.retry_backoff_factor().to_string(),
        bad: &["0.99", "0", "-2", "NaN", "inf", "twice"],
    },
    Variable {
        name: "HTTP_RETRY_MAX_BACKOFF",
        default: "60s",
        value: ("0.25", "250ms"),
        explicit: (|config| config.retry_max_backoff(Duration::from_secs(7)), "7s"),
        read: |config| format!("{:?}", config.retry_max_backoff()),
        bad: BAD_SECONDS,
    },
    Variable {
        name: "HTTP_RETRY_JITTER",
        default: "true",
        value: ("off", "false"),
        explicit: (|config| config.retry_jitter(true), "true"),
        read: |config| config.retry_jitter().to_string(),
        bad: &["maybe", "2", "-1"],
    },
    Variable {
        name: "HTTP_RETRY_BUDGET",
        default: "true",
        value: ("no", "false"),
        explicit: (|config| config.retry_budget(true), "true"),
        read: |config| config.retry_budget().to_string(),
        bad: &["maybe", "2", "-1"],
    },
    Variable {
        name: "HTTP_BREAKER_THRESHOLD",
        default: "None",
        value: ("5", "Some(5)"),
        explicit: (|config| config.breaker_threshold(7), "Some(7)"),
        read: |config| format!("{:?}", config.breaker_threshold()),
        bad: &["0", "-1", "1.5", "many", "4294967296"],
    },
    Variable {
        name: "HTTP_MAX_IN_FLIGHT",
        default: "None",
        value: ("20", "Some(20)"),
        explicit: (|config| config.max_in_flight(7), "Some(7)"),
        read: |config| format!("{:?}", config.max_in_flight()),
        bad: &["0", "-1", "1.5", "many"],
    },
];

/// The one that wants another.
const RECOVERY: &str = "HTTP_BREAKER_RECOVERY";

/// A configuration from `builder` and an environment where `name` is `value`.
fn with(builder: HttpConfigBuilder, name: &str, value: &str) -> Result<HttpConfig, Error> {
    builder.vars(|variable| Ok((variable == name).then(|| value.to_owned())))?.build()
}

#[test]
fn explicit_beats_environment_beats_default() {
    for Variable { name, default, value, explicit, read, .. } in VARIABLES {
        assert_eq!(read(&HttpConfig::default()), default, "{name}");
        assert_eq!(read(&HttpConfig::builder().build().unwrap()), default, "{name}");
        let from_environment = with(HttpConfig::builder(), name, value.0).unwrap();
        assert_eq!(read(&from_environment), value.1, "{name}");
        let before = with((explicit.0)(HttpConfig::builder()), name, value.0).unwrap();
        assert_eq!(read(&before), explicit.1, "{name}");
        let vars = |variable: &str| Ok((variable == name).then(|| value.0.to_owned()));
        let after = (explicit.0)(HttpConfig::builder().vars(vars).unwrap()).build().unwrap();
        assert_eq!(read(&after), explicit.1, "{name}, whatever the order");
    }
}

#[test]
fn each_variable_sets_one_thing_alone() {
    for set in VARIABLES {
        let config = with(HttpConfig::builder(), set.name, set.value.0).unwrap();
        for other in VARIABLES.iter().filter(|other| other.name != set.name) {
            assert_eq!((other.read)(&config), other.default, "{} and {}", set.name, other.name);
        }
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    for name in VARIABLES.map(|variable| variable.name) {
        for empty in ["", " ", "\t\n"] {
            let config = with(HttpConfig::builder(), name, empty).unwrap();
            assert_eq!(config, HttpConfig::default(), "{name} is {empty:?}");
        }
    }
}

#[test]
fn a_bad_value_is_an_error_that_names_variable_and_value() {
    for Variable { name, bad, .. } in VARIABLES {
        for value in bad {
            let message = build_error(with(HttpConfig::builder(), name, value));
            let expected = format!("{name} is {value:?}: give ");
            assert!(message.starts_with(&expected), "{message}");
        }
    }
}

#[test]
fn a_breaker_has_its_recovery_from_where_everything_comes_and_there_is_none_without_a_breaker() {
    let breaker = || HttpConfig::builder().breaker_threshold(5);
    let recovery = |builder, value| with(builder, RECOVERY, value).unwrap().breaker_recovery();
    assert_eq!(HttpConfig::default().breaker_recovery(), Duration::from_secs(60));
    assert_eq!(recovery(breaker(), ""), Duration::from_secs(60));
    assert_eq!(recovery(HttpConfig::builder(), " "), Duration::from_secs(60));
    assert_eq!(recovery(breaker(), "2.5"), Duration::from_millis(2500));
    let explicit = breaker().breaker_recovery(Duration::from_secs(7));
    assert_eq!(recovery(explicit.clone(), "2.5"), Duration::from_secs(7));
    assert_eq!(recovery(explicit, "bad"), Duration::from_secs(7));
    for value in BAD_SECONDS {
        let message = build_error(with(breaker(), RECOVERY, value));
        assert!(message.starts_with(&format!("{RECOVERY} is {value:?}: give ")), "{message}");
    }
    let message = build_error(with(HttpConfig::builder(), RECOVERY, "2.5"));
    assert!(
        message.starts_with("breaker_recovery is set, but")
            && message.contains("breaker_threshold"),
        "{message}"
    );
}

/// What is set explicitly makes the environment irrelevant.
#[test]
fn a_variable_that_is_not_needed_is_not_looked_at() {
    for Variable { name, explicit, bad, .. } in VARIABLES {
        with((explicit.0)(HttpConfig::builder()), name, bad[0]).unwrap();
    }
}

#[test]
fn the_words_for_true_and_false_are_understood() {
    for (words, jitter) in
        [(["true", "1", "YES", " on "], true), (["False", "0", "no", "off"], false)]
    {
        for word in words {
            let config = with(HttpConfig::builder(), "HTTP_RETRY_JITTER", word).unwrap();
            assert_eq!(config.retry_jitter(), jitter, "{word}");
        }
    }
}

#[test]
fn what_has_no_variable_has_a_default_too() {
    let config = HttpConfig::default();
    assert_eq!(config.connect_timeout(), Duration::from_secs(10));
    assert_eq!((config.attempt_timeout(), config.total_timeout()), (None, None));
    assert_eq!(config.max_response_bytes(), 64 * 1024 * 1024);
    assert_eq!(config.base_url(), None);
    let settings = config.transport().settings().unwrap();
    assert_eq!(settings, midil_http::TransportSettings::default());
}

#[test]
fn a_setting_that_cannot_be_is_an_error_that_names_it() {
    type Set = fn(HttpConfigBuilder) -> HttpConfigBuilder;
    let cases: [(Set, &str); 12] = [
        (|c| c.timeout(Duration::ZERO), "timeout is zero"),
        (|c| c.connect_timeout(Duration::ZERO), "connect_timeout is zero"),
        (|c| c.attempt_timeout(Duration::ZERO), "attempt_timeout is zero"),
        (|c| c.total_timeout(Duration::ZERO), "total_timeout is zero"),
        (|c| c.retry_max_backoff(Duration::ZERO), "retry_max_backoff is zero"),
        (|c| c.max_connections(0), "max_connections is 0"),
        (|c| c.retry_backoff_factor(f64::NAN), "retry_backoff_factor is NaN"),
        (|c| c.retry_backoff_factor(f64::INFINITY), "retry_backoff_factor is inf"),
        (|c| c.retry_backoff_factor(0.5), "retry_backoff_factor is 0.5"),
        (|c| c.breaker_threshold(0), "breaker_threshold is 0"),
        (|c| c.breaker_threshold(1).breaker_recovery(Duration::ZERO), "breaker_recovery is zero"),
        (|c| c.max_in_flight(0), "max_in_flight is 0"),
    ];
    for (set, start) in cases {
        let message = build_error(set(HttpConfig::builder()).build());
        assert!(message.starts_with(start) && message.contains(": give "), "{message}");
    }
}

/// A duration keeps its nanoseconds on its way through a configuration.
#[test]
fn durations_are_kept_as_they_are_given() {
    for timeout in [Duration::from_nanos(1), Duration::new(86_400, 1), Duration::MAX] {
        let config = HttpConfig::builder().timeout(timeout).build().unwrap();
        assert_eq!(config.timeout(), timeout);
    }
}

#[test]
fn a_configuration_survives_being_written_and_read() {
    let config = HttpConfig::builder()
        .base_url("https://api.test/v1")
        .timeout(Duration::from_millis(1500))
        .connect_timeout(Duration::from_secs(2))
        .attempt_timeout(Duration::from_secs(3))
        .total_timeout(Duration::from_secs(4))
        .max_connections(5)
        .max_keepalive_connections(0)
        .keepalive_expiry(Duration::ZERO)
        .max_retries(0)
        .retry_backoff_factor(1.5)
        .retry_max_backoff(Duration::from_secs(6))
        .retry_jitter(false)
        .retry_budget(false)
        .breaker_threshold(8)
        .breaker_recovery(Duration::from_secs(9))
        .max_in_flight(10)
        .max_response_bytes(7)
        .build()
        .unwrap();
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<HttpConfig>(&text).unwrap(), config);
    let default = serde_json::from_str::<HttpConfig>("{}").unwrap();
    assert_eq!(default, HttpConfig::default());
    let text = serde_json::to_string(&default).unwrap();
    assert_eq!(serde_json::from_str::<HttpConfig>(&text).unwrap(), default);
    for (bad, names) in [
        (r#"{"timeout": 0}"#, "timeout"),
        (r#"{"retries": 1}"#, "retries"),
        (r#"{"breaker_threshold": 0}"#, "breaker_threshold"),
        (r#"{"breaker_threshold": 1, "breaker_recovery": -1}"#, "breaker_recovery"),
        (r#"{"breaker_recovery": 1}"#, "breaker_threshold"),
        (r#"{"max_in_flight": 0}"#, "max_in_flight"),
        (r#"{"breaker": 5}"#, "breaker"),
    ] {
        let error = serde_json::from_str::<HttpConfig>(bad).unwrap_err().to_string();
        assert!(error.contains(names), "{error}");
    }
}

#[test]
fn a_client_takes_its_timeouts_from_the_configuration() {
    type Set = fn(HttpConfigBuilder) -> HttpConfigBuilder;
    let cases: [(Set, TimeoutKind, u64); 4] = [
        (|c| c, TimeoutKind::Progress, 30),
        (|c| c.timeout(Duration::from_secs(5)), TimeoutKind::Progress, 5),
        (|c| c.attempt_timeout(Duration::from_secs(6)), TimeoutKind::Attempt, 6),
        (|c| c.total_timeout(Duration::from_secs(7)), TimeoutKind::Total, 7),
    ];
    for (set, kind, seconds) in cases {
        let config = set(HttpConfig::builder()).build().unwrap();
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::pending());
        let client = over(mock).config(&config).runtime(runtime.clone()).build().unwrap();
        let Err(Error::Timeout(error)) = runtime.block_on(client.get("/").send()) else {
            panic!("no timeout");
        };
        assert_eq!((error.kind(), runtime.elapsed()), (kind, Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn a_client_takes_its_base_and_its_limit_from_the_configuration() {
    let config = HttpConfig::builder().base_url("https://configured.test/v2").max_response_bytes(4);
    let config = config.build().unwrap();
    let mock = MockTransport::always(Reply::ok().body("hello"));
    let client = over(mock.clone()).config(&config).build().unwrap();
    let error = client.get("/a").send().await.unwrap().bytes().await.unwrap_err();
    assert_eq!(error.kind(), "Limit");
    let client = over(mock.clone()).config(&HttpConfig::default()).build().unwrap();
    client.get("/a").send().await.unwrap();
    let urls: Vec<_> = mock.requests().iter().map(|request| request.url().to_string()).collect();
    assert_eq!(urls, ["https://configured.test/v2/a", "https://api.test/v1/a"]);
}

#[tokio::test]
async fn a_base_url_that_cannot_be_is_reported_when_the_client_is_built() {
    let config = HttpConfig::builder().base_url("api.test").build().unwrap();
    let message = build_error(over(MockTransport::new()).config(&config).build());
    assert!(message.starts_with("base_url cannot be"), "{message}");
}

#[cfg(feature = "retry")]
#[test]
fn a_strategy_takes_its_attempts_and_waits_from_the_configuration() {
    let lookup = |name: &str| {
        let value = match name {
            "HTTP_MAX_RETRIES" => "4",
            "HTTP_RETRY_BACKOFF_FACTOR" => "3",
            "HTTP_RETRY_MAX_BACKOFF" => "1",
            "HTTP_RETRY_JITTER" => "false",
            _ => return Ok(None),
        };
        Ok(Some(value.to_owned()))
    };
    let config = HttpConfig::builder().vars(lookup).unwrap().build().unwrap();
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::status(503));
    let client = over(mock.clone())
        .retry(midil_http::DefaultRetryStrategy::from_config(&config).unwrap())
        .runtime(runtime.clone())
        .build()
        .unwrap();
    let error = runtime.block_on(client.get("/").send()).unwrap_err();
    assert_eq!((error.kind(), mock.request_count()), ("RetryExhausted", 5));
    assert_eq!(runtime.sleeps(), [200, 600, 1000, 1000].map(Duration::from_millis));
}

/// Runs the test of that name in a process of its own, with that environment.
fn in_a_process(test: &str, variables: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().expect("a test knows its binary");
    let mut process = Command::new(program);
    for name in VARIABLES.iter().map(|variable| variable.name).chain([RECOVERY]) {
        process.env_remove(name);
    }
    process.args([test, "--exact", "--nocapture"]).env(CHILD, "").envs(variables.iter().copied());
    let output = process.output().expect("a test can be run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Set where a test is run by itself.
const CHILD: &str = "MIDIL_HTTP_TEST_CHILD";

#[test]
fn from_env_reads_the_environment_of_the_process() {
    if std::env::var_os(CHILD).is_some() {
        match HttpConfig::from_env() {
            Ok(config) => println!("[{:?} {}]", config.timeout(), config.max_retries()),
            Err(error) => println!("[{error}]"),
        }
        return;
    }
    for (variables, expected) in [
        (&[][..], "[30s 2]"),
        (&[("HTTP_TIMEOUT", "4"), ("HTTP_MAX_RETRIES", "9")], "[4s 9]"),
        (&[("HTTP_TIMEOUT", ""), ("HTTP_MAX_RETRIES", "9")], "[30s 9]"),
        (&[("HTTP_TIMEOUT", "-4")], "[HTTP_TIMEOUT is \"-4\": give a finite number"),
    ] {
        let this = "config::from_env_reads_the_environment_of_the_process";
        let output = in_a_process(this, variables);
        assert!(output.contains(expected), "{variables:?}: {output}");
    }
}

#[cfg(all(feature = "reqwest", feature = "retry"))]
mod over_reqwest {
    use midil_http::{client, client_from};
    use midil_http_test::fault_server::{FaultServer, Reply};

    use super::*;

    #[tokio::test]
    async fn a_client_is_made_of_a_configuration_whole() {
        let server = FaultServer::always(Reply::status(503));
        for (retries, sent) in [(0, 1), (1, 2), (4, 5)] {
            let config = HttpConfig::builder()
                .base_url(&server.url())
                .max_retries(retries)
                .retry_max_backoff(Duration::from_nanos(1)); // as good as none
            let config = config.build().unwrap();
            let before = server.request_count();
            let outcome = client_from(&config).unwrap().build().unwrap().get("/a").send().await;
            assert_eq!(outcome.unwrap_err().kind(), "RetryExhausted");
            assert_eq!(server.request_count() - before, sent, "{retries} retries");
        }
    }

    #[tokio::test]
    async fn what_is_said_to_the_builder_beats_the_configuration() {
        let server = FaultServer::always(Reply::ok("hello"));
        let config =
            HttpConfig::builder().base_url("https://nowhere.invalid").max_response_bytes(1);
        let builder = client_from(config.build().unwrap()).unwrap();
        let client = builder.base_url(server.url()).max_response_bytes(5).build().unwrap();
        assert_eq!(client.get("/a").send().await.unwrap().text().await.unwrap(), "hello");
    }

    #[tokio::test]
    async fn a_client_of_a_url_has_every_default() {
        let server = FaultServer::always(Reply::ok("hello"));
        let http = client(server.url()).unwrap().build().unwrap();
        assert_eq!(http.get("/a").send().await.unwrap().text().await.unwrap(), "hello");
        build_error(client("no URL").unwrap().build());
    }
}
