//! Settings, from the environment and by code.

use std::process::Command;
use std::time::Duration;

use midil_http::HttpConfig;
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::{SECOND, without_waiting};
use crate::support::whole::{exhausted, on_the_wire};

/// The attempts that a client of that configuration makes of a server that is down, and how long it waits.
fn attempts_and_waits(config: &HttpConfig) -> (u32, Duration) {
    let mut seen = (0, Duration::ZERO);
    on_the_wire(async {
        let server = FaultServer::always(Reply::status(503));
        let time = ManualRuntime::new();
        let http = midil_http::client_from(config)
            .unwrap()
            .base_url(server.url())
            .runtime(time.clone())
            .no_timeout()
            .build()
            .unwrap();
        let outcome = without_waiting(&time, http.get("/").send()).await;
        seen = (exhausted(outcome).attempts(), time.elapsed());
    });
    seen
}

/// Set where a test is run by itself.
const CHILD: &str = "MIDIL_HTTP_TEST_CHILD";

#[test]
fn environment_variables() {
    if std::env::var_os(CHILD).is_some() {
        let config = HttpConfig::from_env().unwrap();
        assert_eq!(config.timeout(), Duration::from_millis(1500));
        assert_eq!(config.max_connections(), 50);
        assert_eq!(config.max_keepalive_connections(), 5);
        assert_eq!(config.keepalive_expiry(), 15 * SECOND);
        // 200 ms, 600 ms, and 1 s in place of 1.8 s.
        assert_eq!(attempts_and_waits(&config), (4, Duration::from_millis(1800)));
        return;
    }
    let program = std::env::current_exe().expect("a test knows its binary");
    let output = Command::new(program)
        .args(["reference::configuration::environment_variables", "--exact"])
        .env(CHILD, "")
        .envs([
            ("HTTP_TIMEOUT", "1.5"),
            ("HTTP_MAX_CONNECTIONS", "50"),
            ("HTTP_MAX_KEEPALIVE_CONNECTIONS", "5"),
            ("HTTP_KEEPALIVE_EXPIRY", "15"),
            ("HTTP_MAX_RETRIES", "3"),
            ("HTTP_RETRY_BACKOFF_FACTOR", "3.0"),
            ("HTTP_RETRY_MAX_BACKOFF", "1.0"),
            ("HTTP_RETRY_JITTER", "false"),
        ])
        .output()
        .expect("a test can be run");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn programmatic_configuration() {
    let config = HttpConfig::builder()
        .timeout(30 * SECOND)
        .max_connections(100)
        .max_keepalive_connections(20)
        .keepalive_expiry(30 * SECOND)
        .max_retries(3)
        .retry_backoff_factor(2.0)
        .retry_max_backoff(60 * SECOND)
        .retry_jitter(false)
        .build()
        .unwrap();
    // 200 ms, 400 ms, 800 ms.
    assert_eq!(attempts_and_waits(&config), (4, Duration::from_millis(1400)));

    let spread = HttpConfig::builder().max_retries(3).retry_jitter(true).build().unwrap();
    let (attempts, waited) = attempts_and_waits(&spread);
    assert!(attempts == 4 && waited < Duration::from_millis(1400), "{attempts} {waited:?}");
}
