//! Token fetches, and how old tokens are.

use std::time::Duration;

use midil_http::{AuthError, AuthErrorKind, AuthNToken, ClientCredentials, PerOrigin, TokenCache};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use opentelemetry_semantic_conventions::attribute as attr;
use opentelemetry_semantic_conventions::metric::HTTP_CLIENT_ACTIVE_REQUESTS as ACTIVE;

use super::recorded::Recorded;
use super::{ERROR, client, get};

const FETCH: &str = "midil.auth.token.fetch.duration";
const AGE: &str = "midil.auth.token.age";

#[test]
fn a_fetch_that_fails() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let refused = Reply::status(401).body(r#"{"error":"invalid_client"}"#);
    let authority = MockTransport::always(refused.delayed(Duration::from_secs(1), runtime.clone()));
    let credentials = ClientCredentials::builder(authority)
        .token_url("https://login.test/token?key=hunter2")
        .client_id("reports")
        .client_secret("hunter2")
        .runtime(runtime.clone())
        .build()
        .unwrap();
    let client = client(&MockTransport::new(), &recorded, &runtime).auth(credentials);
    runtime.block_on(client.build().unwrap().get("/").send()).unwrap_err();
    let name = &recorded.points(FETCH)[0].attributes;
    assert!(!format!("{name:?}").contains("hunter2"), "{name:?}");
    let token = name.iter().find(|(name, _)| name == "midil.token.name").unwrap();
    recorded.assert(
        FETCH,
        &[(vec![("midil.token.name", token.1.as_str()), (ERROR, "Rejected")], 1, 1.0)],
    );
    recorded.assert("midil.client.call.duration", &[(get([(ERROR, "Auth")]), 1, 1.0)]);
    // Nothing was sent.
    let names = recorded.names();
    assert!(!names.contains(&AGE.to_owned()) && !names.contains(&ACTIVE.to_owned()), "{names:?}");
    recorded.assert("midil.client.active_calls", &[(get([]), 0, 0.0)]);
}

#[test]
fn a_token_that_ages() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let source =
        || async { Ok(AuthNToken::new("t0ken").with_expires_in(Duration::from_secs(3600))) };
    let cache = TokenCache::builder(source).name("vault").runtime(runtime.clone());
    // Whoever asks others tells them, too.
    let provider = PerOrigin::builder().fallback(cache.build().unwrap()).build().unwrap();
    let client = client(&MockTransport::always(Reply::ok()), &recorded, &runtime).auth(provider);
    let client = client.build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    runtime.advance(Duration::from_secs(90));
    runtime.block_on(client.get("/").send()).unwrap();
    let server = vec![(attr::SERVER_ADDRESS, "api.test"), (attr::SERVER_PORT, "443")];
    recorded.assert(AGE, &[(server, 0, 90.0)]);
    recorded.assert(FETCH, &[(vec![("midil.token.name", "vault")], 1, 0.0)]);
}

#[test]
fn a_cache_of_its_own_has_an_observer_of_its_own() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let down = || async { Err(AuthError::new(AuthErrorKind::Unavailable, "it is down")) };
    let cache = TokenCache::builder(down).observer(recorded.metrics.clone());
    let cache = cache.runtime(runtime.clone()).build().unwrap();
    runtime.block_on(cache.warm_up()).unwrap_err();
    let failed = vec![("midil.token.name", "token"), (ERROR, "Unavailable")];
    recorded.assert(FETCH, &[(failed, 1, 0.0)]);
}
