//! Every setting, by code, by file and by variable: the same configuration, whichever way it came.

use std::collections::BTreeSet;
use std::time::Duration;

use midil_http::{
    AuthConfig, AuthKind, AuthMethodKind, BackendKind, BackoffConfig, BackoffKind, BreakerConfig,
    BreakerKind, BudgetConfig, BulkheadConfig, HedgeConfig, HttpConfig, HttpConfigBuilder,
    LimitsConfig, ProtocolKind, RateLimitConfig, RedirectsConfig, RedirectsKind, RetryConfig,
    RetryKind, SecretSetting, TransportConfig,
};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A setting: its path and value in a file, the value of its variable, and what code says.
struct Setting {
    path: &'static str,
    file: Value,
    variable: &'static str,
    code: fn(HttpConfigBuilder) -> HttpConfigBuilder,
}

macro_rules! settings {
    ($($path:literal = $file:tt, $variable:literal, $code:expr;)*) => {
        vec![$(Setting { path: $path, file: json!($file), variable: $variable, code: $code },)*]
    };
}

fn transport(
    set: fn(TransportConfig) -> TransportConfig,
) -> impl Fn(HttpConfigBuilder) -> HttpConfigBuilder {
    move |builder| builder.transport(set(TransportConfig::new()))
}

fn flat() -> Vec<Setting> {
    settings! {
        "base_url" = "https://a.test/v1", "https://a.test/v1", |c| c.base_url("https://a.test/v1");
        "timeout" = 1.5, "1.5", |c| c.timeout(SECOND * 3 / 2);
        "connect_timeout" = "500ms", "0.5", |c| c.connect_timeout(SECOND / 2);
        "attempt_timeout" = 3, "3", |c| c.attempt_timeout(3 * SECOND);
        "total_timeout" = "1m", "60", |c| c.total_timeout(60 * SECOND);
        "max_connections" = 5, "5", |c| c.max_connections(5);
        "max_keepalive_connections" = 0, "0", |c| c.max_keepalive_connections(0);
        "keepalive_expiry" = 0, "0", |c| c.keepalive_expiry(Duration::ZERO);
        "max_retries" = 4, " 4 ", |c| c.max_retries(4);
        "retry_backoff_factor" = 3, "3", |c| c.retry_backoff_factor(3.0);
        "retry_max_backoff" = 0.25, "0.25", |c| c.retry_max_backoff(SECOND / 4);
        "retry_jitter" = false, "no", |c| c.retry_jitter(false);
        "retry_budget" = false, "off", |c| c.retry_budget(false);
        "breaker_threshold" = 7, "7", |c| c.breaker_threshold(7);
        "max_in_flight" = 9, "9", |c| c.max_in_flight(9);
        "max_response_bytes" = 1024, "1024", |c| c.max_response_bytes(1024);
        "decompress" = false, "false", |c| c.decompress(false);
        "allow_origins" = ["https://b.test", "https://c.test"], "https://b.test, https://c.test",
            |c| c.allow_origins(["https://b.test", "https://c.test"]);
        "auth_origins" = ["https://b.test"], "https://b.test", |c| c.auth_origins(["https://b.test"]);
        "allow_plain_http_auth" = true, "1", |c| c.allow_plain_http_auth(true);
    }
}

fn of_transport() -> Vec<Setting> {
    settings! {
        "transport.type" = "hyper", "hyper",
            |c| transport(|t| t.kind(BackendKind::Hyper))(c);
        "transport.connect_timeout" = 2, "2", |c| transport(|t| t.connect_timeout(2 * SECOND))(c);
        "transport.max_connections" = 5, "5", |c| transport(|t| t.max_connections(5))(c);
        "transport.max_keepalive_connections" = 6, "6", |c| transport(|t| t.max_keepalive_connections(6))(c);
        "transport.keepalive_expiry" = 7, "7", |c| transport(|t| t.keepalive_expiry(7 * SECOND))(c);
        "transport.proxy" = "http://p.test:3128", "http://p.test:3128",
            |c| transport(|t| t.proxy("http://p.test:3128"))(c);
        "transport.proxy_username" = { "env": "HOME" }, "", |c| transport(|t| t.proxy_username(SecretSetting::env("HOME")))(c);
        "transport.proxy_password" = { "env": "HOME" }, "", |c| transport(|t| t.proxy_password(SecretSetting::env("HOME")))(c);
        "transport.no_proxy" = ["a.test", "b.test"], "a.test,b.test", |c| transport(|t| t.no_proxy(["a.test", "b.test"]))(c);
        "transport.root_certificates" = ["/a.pem"], "/a.pem", |c| transport(|t| t.root_certificates(["/a.pem"]))(c);
        "transport.client_certificate" = "/b.pem", "/b.pem", |c| transport(|t| t.client_certificate("/b.pem"))(c);
        "transport.client_key" = "/c.pem", "/c.pem", |c| transport(|t| t.client_key("/c.pem"))(c);
        "transport.protocol" = "http2", "http2", |c| transport(|t| t.protocol(ProtocolKind::Http2))(c);
        "transport.local_address" = "127.0.0.1", "127.0.0.1",
            |c| transport(|t| t.local_address([127, 0, 0, 1].into()))(c);
        "transport.user_agent" = "reports/1.0", "reports/1.0", |c| transport(|t| t.user_agent("reports/1.0"))(c);
        "transport.tcp_keepalive" = 0, "0", |c| transport(|t| t.tcp_keepalive(Duration::ZERO))(c);
    }
}

fn of_retries() -> Vec<Setting> {
    fn backoff(c: HttpConfigBuilder, backoff: BackoffConfig) -> HttpConfigBuilder {
        c.retry(RetryConfig::new().backoff(backoff))
    }
    fn budget(c: HttpConfigBuilder, budget: BudgetConfig) -> HttpConfigBuilder {
        c.retry(RetryConfig::new().budget(budget))
    }
    settings! {
        "retry.type" = "none", "none", |c| c.retry(RetryConfig::new().kind(RetryKind::None));
        "retry.max_retries" = 1, "1", |c| c.retry(RetryConfig::new().max_retries(1));
        "retry.jitter" = false, "false", |c| c.retry(RetryConfig::new().jitter(false));
        "retry.max_retry_after" = "2m", "120", |c| c.retry(RetryConfig::new().max_retry_after(120 * SECOND));
        "retry.retry_on_status" = [429, 503], "429,503", |c| c.retry(RetryConfig::new().retry_on_status([429_u16, 503]));
        "retry.backoff.type" = "exponential", "exponential",
            |c| backoff(c, BackoffConfig::new().kind(BackoffKind::Exponential));
        "retry.backoff.base_delay" = "10ms", "0.01", |c| backoff(c, BackoffConfig::new().base_delay(SECOND / 100));
        "retry.backoff.multiplier" = 1.5, "1.5", |c| backoff(c, BackoffConfig::new().multiplier(1.5));
        "retry.backoff.max_delay" = 9, "9", |c| backoff(c, BackoffConfig::new().max_delay(9 * SECOND));
        "retry.backoff.jitter" = 0.5, "0.5",
            |c| backoff(c, BackoffConfig::new().jitter(0.5));
        "retry.backoff.delay" = 1, "1", |c| backoff(c, BackoffConfig::new().delay(SECOND));
        "retry.budget.enabled" = false, "false", |c| budget(c, BudgetConfig::new().enabled(false));
        "retry.budget.retry_costs" = 2, "2", |c| budget(c, BudgetConfig::new().retry_costs(2.0));
        "retry.budget.success_earns" = 0.2, "0.2", |c| budget(c, BudgetConfig::new().success_earns(0.2));
        "retry.budget.retry_success_earns" = 1, "1", |c| budget(c, BudgetConfig::new().retry_success_earns(1.0));
        "retry.budget.second_earns" = 0, "0", |c| budget(c, BudgetConfig::new().second_earns(0.0));
        "retry.budget.capacity" = 50, "50", |c| budget(c, BudgetConfig::new().capacity(50.0));
        "retry.budget.calls_worth" = 2, "2", |c| budget(c, BudgetConfig::new().calls_worth(2 * SECOND));
    }
}

fn of_protection() -> Vec<Setting> {
    fn limits(c: HttpConfigBuilder, set: fn(LimitsConfig) -> LimitsConfig) -> HttpConfigBuilder {
        c.limits(set(LimitsConfig::new()))
    }
    settings! {
        "breaker.type" = "none", "none", |c| c.breaker(BreakerConfig::new().kind(BreakerKind::None));
        "breaker.failure_threshold" = 3, "3", |c| c.breaker(BreakerConfig::new().failure_threshold(3));
        "breaker.recovery_timeout" = 5, "5", |c| c.breaker(BreakerConfig::new().recovery_timeout(5 * SECOND));
        "breaker.failure_ratio" = 0.5, "0.5", |c| c.breaker(BreakerConfig::new().failure_ratio(0.5));
        "breaker.window" = 5, "5", |c| c.breaker(BreakerConfig::new().window(5 * SECOND));
        "breaker.minimum_calls" = 30, "30", |c| c.breaker(BreakerConfig::new().minimum_calls(30));
        "breaker.half_open_probes" = 2, "2", |c| c.breaker(BreakerConfig::new().half_open_probes(2));
        "limits.bulkhead.max_in_flight" = 8, "8",
            |c| limits(c, |l| l.bulkhead(BulkheadConfig::new().max_in_flight(8)));
        "limits.bulkhead.max_waiting" = 0, "0", |c| limits(c, |l| l.bulkhead(BulkheadConfig::new().max_waiting(0)));
        "limits.bulkhead.max_wait" = 2, "2", |c| limits(c, |l| l.bulkhead(BulkheadConfig::new().max_wait(2 * SECOND)));
        "limits.rate_limit.calls" = 50, "50", |c| limits(c, |l| l.rate_limit(RateLimitConfig::new().calls(50)));
        "limits.rate_limit.per" = 1, "1", |c| limits(c, |l| l.rate_limit(RateLimitConfig::new().per(SECOND)));
        "limits.rate_limit.burst" = 10, "10", |c| limits(c, |l| l.rate_limit(RateLimitConfig::new().burst(10)));
        "limits.rate_limit.max_wait" = 0, "0", |c| limits(c, |l| l.rate_limit(RateLimitConfig::new().max_wait(Duration::ZERO)));
        "limits.hedge.delay" = 1, "1", |c| limits(c, |l| l.hedge(HedgeConfig::new().delay(SECOND)));
        "limits.hedge.percentile" = 0.9, "0.9", |c| limits(c, |l| l.hedge(HedgeConfig::new().percentile(0.9)));
        "limits.hedge.minimum_samples" = 60, "60", |c| limits(c, |l| l.hedge(HedgeConfig::new().minimum_samples(60)));
        "limits.hedge.min_delay" = 1, "1", |c| limits(c, |l| l.hedge(HedgeConfig::new().min_delay(SECOND)));
        "limits.hedge.max_delay" = 2, "2", |c| limits(c, |l| l.hedge(HedgeConfig::new().max_delay(2 * SECOND)));
        "limits.hedge.max_hedges" = 2, "2", |c| limits(c, |l| l.hedge(HedgeConfig::new().max_hedges(2)));
        "redirects.type" = "any", "any", |c| c.redirects(RedirectsConfig::new().kind(RedirectsKind::Any));
        "redirects.limit" = 3, "3", |c| c.redirects(RedirectsConfig::new().limit(3));
    }
}

fn of_auth() -> Vec<Setting> {
    settings! {
        "auth.type" = "none", "none", |c| c.auth(AuthConfig::new().kind(AuthKind::None));
        "auth.domain" = "a.test", "a.test", |c| c.auth(AuthConfig::new().domain("a.test"));
        "auth.token_url" = "https://a.test/t", "https://a.test/t", |c| c.auth(AuthConfig::new().token_url("https://a.test/t"));
        "auth.client_id" = "reports", "reports", |c| c.auth(AuthConfig::new().client_id("reports"));
        "auth.client_secret" = "hunter2", "hunter2", |c| c.auth(AuthConfig::new().client_secret("hunter2"));
        "auth.scopes" = ["a/read", "a/write"], "a/read,a/write", |c| c.auth(AuthConfig::new().scopes(["a/read", "a/write"]));
        "auth.audience" = "orders", "orders", |c| c.auth(AuthConfig::new().audience("orders"));
        "auth.resources" = ["https://r.test"], "https://r.test", |c| c.auth(AuthConfig::new().resources(["https://r.test"]));
        "auth.auth_method" = "post", "post", |c| c.auth(AuthConfig::new().auth_method(AuthMethodKind::Post));
        "auth.fetch_timeout" = 3, "3", |c| c.auth(AuthConfig::new().fetch_timeout(3 * SECOND));
        "auth.parameters" = { "tenant": "17", "region": "eu" }, "tenant=17, region=eu",
            |c| c.auth(AuthConfig::new().parameters([("tenant", "17"), ("region", "eu")]));
        "auth.aws_client_metadata" = { "team": "billing" }, "team=billing",
            |c| c.auth(AuthConfig::new().aws_client_metadata([("team", "billing")]));
        "auth.token" = "hunter2", "hunter2", |c| c.auth(AuthConfig::new().token("hunter2"));
        "auth.username" = "ada", "ada", |c| c.auth(AuthConfig::new().username("ada"));
        "auth.password" = "hunter2", "hunter2", |c| c.auth(AuthConfig::new().password("hunter2"));
        "auth.header" = "x-api-key", "x-api-key", |c| c.auth(AuthConfig::new().header("x-api-key"));
        "auth.key" = "hunter2", "hunter2", |c| c.auth(AuthConfig::new().key("hunter2"));
    }
}

fn all() -> Vec<Setting> {
    // One that cannot be alone, beside what it wants.
    let recovery = settings! {
        "breaker_recovery" = 5, "5", |c| c.breaker_recovery(5 * SECOND);
    };
    [flat(), recovery, of_transport(), of_retries(), of_protection(), of_auth()]
        .into_iter()
        .flatten()
        .collect()
}

/// `{"a": {"b": value}}` of the path `a.b`.
fn nested(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |value, key| json!({ key: value }))
}

fn variable(prefix: &str, path: &str) -> String {
    format!("{prefix}_{}", path.replace('.', "_").to_uppercase())
}

#[test]
fn each_setting_is_the_same_by_code_file_and_variable() {
    for Setting { path, file, variable: value, code } in all() {
        let by_code = code(HttpConfig::builder());
        assert_ne!(by_code, HttpConfig::builder(), "{path}");
        let text = nested(path, file).to_string();
        let by_file: HttpConfigBuilder = serde_json::from_str(&text).unwrap();
        assert_eq!(by_file, by_code, "{path}");
        if value.is_empty() {
            continue; // a reference, which no variable can hold
        }
        for prefix in ["HTTP", "ORDERS_HTTP"] {
            let pair = [(variable(prefix, path), value.to_owned())];
            let by_variable = HttpConfig::builder().env_from(prefix, pair).unwrap();
            assert_eq!(by_variable, by_code, "{path}");
        }
    }
}

#[test]
fn each_setting_survives_being_written_and_read_unless_it_is_a_secret() {
    for Setting { path, code, .. } in all() {
        let layer = code(HttpConfig::builder());
        let text = serde_json::to_string(&layer).unwrap();
        let read = serde_json::from_str::<HttpConfigBuilder>(&text);
        if text.contains("redacted") {
            let error = read.unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{path} is redacted, as the secret was")),
                "{error}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        } else {
            assert_eq!(read.unwrap(), layer, "{text}");
        }
    }
}

/// The keys that the library has are those of the table: whoever adds a setting adds it here.
#[test]
fn there_is_no_setting_but_these() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for section in [
        "",
        "transport",
        "retry",
        "retry.backoff",
        "retry.budget",
        "breaker",
        "limits",
        "limits.bulkhead",
        "limits.rate_limit",
        "limits.hedge",
        "redirects",
        "auth",
    ] {
        let path =
            if section.is_empty() { "zzzzzz".to_owned() } else { format!("{section}.zzzzzz") };
        let text = nested(&path, json!(1)).to_string();
        let error = serde_json::from_str::<HttpConfigBuilder>(&text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("unknown field `{path}`, expected one of `")),
            "{error}"
        );
        let keys = error.split("expected one of ").nth(1).unwrap();
        let keys =
            keys.split(" at line").next().unwrap().split(", ").map(|key| key.trim_matches('`'));
        let path = |key: &str| {
            if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
        };
        known.extend(keys.map(path));
    }
    let sections = [
        "transport",
        "retry",
        "retry.backoff",
        "retry.budget",
        "breaker",
        "limits",
        "limits.bulkhead",
        "limits.rate_limit",
        "limits.hedge",
        "redirects",
        "auth",
    ];
    let tested = all().into_iter().map(|setting| setting.path.to_owned());
    let tested: BTreeSet<String> = tested.chain(sections.map(str::to_owned)).collect();
    assert_eq!(known, tested);
}
