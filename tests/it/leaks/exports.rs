//! Every public type is looked at, or said why not: a new one fails here.

use std::collections::BTreeSet;

use super::types;
use crate::support::reexported;

/// What is not looked at, and why that is no gap.
const EXEMPT: &[(&str, &[&str])] = &[
    (
        "a trait or the name of another type: it has no form of its own",
        &[
            "AsyncMiddlewareFn",
            "AuthNProvider",
            "Backoff",
            "BoxError",
            "BoxFuture",
            "Budget",
            "BulkheadTransport",
            "Bundle",
            "CircuitBreakerTransport",
            "FromSettings",
            "HedgeTransport",
            "IntoRequest",
            "Middleware",
            "Observer",
            "PageStrategy",
            "OnEnd",
            "LoggingTransport",
            "Propagator",
            "RateLimitTransport",
            "RetryHook",
            "RetryStrategy",
            "Runtime",
            "Transport",
            "TokenStore",
        ],
    ),
    (
        "a word out of a fixed list",
        &[
            "AuthErrorKind",
            "BodyEnd",
            "AuthKind",
            "AuthMethodKind",
            "BackendKind",
            "BackoffKind",
            "BreakerKind",
            "ChunkFault",
            "ClientAuthMethod",
            "Cut",
            "LogLevel",
            "OnConnect",
            "PageErrorKind",
            "Phase",
            "Protocol",
            "QueueOutcome",
            "ProtocolKind",
            "RedirectsKind",
            "RetryKind",
            "Sent",
            "StateChangeReason",
            "TimeoutKind",
            "TransportErrorKind",
            "Verdict",
        ],
    ),
    (
        "numbers, durations and switches alone",
        &[
            "Alarm",
            "AttemptResult",
            "BatchProgress",
            "BackoffConfig",
            "BreakerConfig",
            "BudgetConfig",
            "BulkheadConfig",
            "DecorrelatedJitterBackoff",
            "DefaultRuntime",
            "ExponentialBackoff",
            "ExponentialBackoffWithJitter",
            "FixedDelayBackoff",
            "FullJitterBackoff",
            "Gate",
            "HedgeConfig",
            "LimitsConfig",
            "Progress",
            "Random",
            "RateLimitConfig",
            "Redirect",
            "RedirectsConfig",
            "RefusingPort",
            "Retry",
            "RetryBudget",
            "RetryBudgetBuilder",
            "RetryBudgetState",
            "RetryConfig",
            "SilentPort",
        ],
    ),
];

/// The types and traits that a `lib.rs` or `mod.rs` re-exports.
fn exported(source: &str) -> BTreeSet<String> {
    let is_type = |name: &String| name.starts_with(|first: char| first.is_uppercase());
    reexported(source).into_iter().filter(is_type).collect()
}

#[test]
fn every_exported_type_is_looked_at_or_exempt() {
    let facade = exported(include_str!("../../../src/lib.rs"));
    let mut all = exported(include_str!("../../../midil-http-test/src/lib.rs"));
    all.extend(exported(include_str!("../../../midil-http-test/src/fault_server/mod.rs")));
    for known in ["HttpClient", "ClientCredentials", "ReqwestTransport", "RetryTransport"] {
        assert!(facade.contains(known), "src/lib.rs is not read as it is written: no {known}");
    }
    assert!(facade.len() > 80 && all.contains("FaultServer") && all.contains("MockTransport"));
    all.extend(facade);

    let looked_at: BTreeSet<String> = types::looked_at();
    let mut exempt: BTreeSet<String> =
        EXEMPT.iter().flat_map(|(_, names)| names.iter().copied().map(str::to_owned)).collect();
    if !cfg!(feature = "redis") {
        exempt.extend(types::OF_REDIS.map(str::to_owned));
    }
    if !cfg!(feature = "multipart") {
        exempt.extend(types::OF_MULTIPART.map(str::to_owned));
    }
    if !cfg!(feature = "cookies") {
        exempt.extend(types::OF_COOKIES.map(str::to_owned));
    }
    if !cfg!(feature = "otel") {
        exempt.extend(types::OF_OTEL.map(str::to_owned));
    }
    let absent = types::OF_BACKENDS.iter().filter(|(_, is_on)| !is_on);
    exempt.extend(absent.map(|(name, _)| (*name).to_owned()));
    let missing: Vec<_> =
        all.iter().filter(|name| !looked_at.contains(*name) && !exempt.contains(*name)).collect();
    assert!(missing.is_empty(), "in `types` or EXEMPT there is no {missing:?}");
    let twice: Vec<_> = looked_at.intersection(&exempt).collect();
    assert!(twice.is_empty(), "exempt and looked at: {twice:?}");
    let unknown: Vec<_> = looked_at.difference(&all).collect();
    assert!(unknown.is_empty(), "nobody exports {unknown:?}");
}
