//! Retries, timeouts and the token cache over isahc, where there is no tokio.
#![cfg(all(feature = "isahc", feature = "retry", feature = "auth"))]

use std::time::Duration;

use futures_executor::block_on;
use futures_util::future::join_all;
use midil_http::{
    ClientCredentials, DefaultRetryStrategy, Error, GiveUpReason, HttpClient, HttpClientBuilder,
    IsahcTransport, Phase, TimeoutKind,
};
use midil_http_test::fault_server::{FaultServer, Gate, Reply, Script};

/// Runs `test` where no runtime is.
fn without_tokio<T>(test: impl Future<Output = T>) -> T {
    assert!(tokio::runtime::Handle::try_current().is_err(), "tokio is here");
    block_on(test)
}

fn client(server: &FaultServer) -> HttpClientBuilder {
    let retry = DefaultRetryStrategy::builder().base_delay(Duration::from_millis(1)).no_budget();
    HttpClient::builder(IsahcTransport::try_new().unwrap())
        .base_url(server.url())
        .retry(retry.build().unwrap())
}

#[test]
fn a_call_is_retried() {
    let server = FaultServer::sequence([
        Reply::status(503),
        Reply::status(429).header("retry-after", "0"),
        Reply::ok("hello"),
    ]);
    let http = client(&server).build().unwrap();
    without_tokio(async {
        let response = http.get("/").send().await.unwrap();
        assert_eq!(response.attempts(), 3);
        assert_eq!(response.text().await.unwrap(), "hello");
    });
}

#[test]
fn a_call_that_fails_for_good_is_exhausted() {
    let server = FaultServer::always(Reply::status(503).body("down"));
    let http = client(&server).build().unwrap();
    let error = without_tokio(http.get("/").send()).unwrap_err();
    let Error::RetryExhausted(exhausted) = error else { panic!("{error:?}") };
    assert_eq!(exhausted.attempts(), 3);
    assert!(matches!(exhausted.reason(), GiveUpReason::Attempts), "{exhausted:?}");
    assert_eq!(server.request_count(), 3);
}

/// What never left is retried, whatever the method; what may have arrived is not.
#[test]
fn a_post_is_retried_when_nothing_was_sent() {
    let refusing = FaultServer::refusing();
    let http = HttpClient::builder(IsahcTransport::try_new().unwrap()).base_url(refusing.url());
    let retry = DefaultRetryStrategy::builder().base_delay(Duration::from_millis(1)).no_budget();
    let http = http.retry(retry.build().unwrap()).build().unwrap();
    let error = without_tokio(http.post("/").body("x").send()).unwrap_err();
    assert!(
        matches!(&error, Error::RetryExhausted(exhausted) if exhausted.attempts() == 3),
        "{error:?}"
    );

    let server = FaultServer::always(Reply::close_before_head());
    let http = client(&server).build().unwrap();
    assert!(without_tokio(http.post("/").body("x").send()).is_err());
    assert_eq!(server.request_count(), 1);
}

#[test]
fn timeouts_fire_in_the_head_and_in_the_body() {
    let server = FaultServer::sequence([
        Reply::ok("late").hold(&Gate::new()),
        Reply::ok("stalled").stall_body_after(3),
    ]);
    let http = client(&server).timeout(Duration::from_millis(50)).build().unwrap();
    without_tokio(async {
        let error = http.get("/").no_retry().send().await.unwrap_err();
        let Error::Timeout(timeout) = error else { panic!("{error:?}") };
        assert_eq!((timeout.kind(), timeout.phase()), (TimeoutKind::Progress, Phase::Head));

        let error = http.get("/").send().await.unwrap().text().await.unwrap_err();
        let Error::Timeout(timeout) = error else { panic!("{error:?}") };
        assert_eq!((timeout.kind(), timeout.phase()), (TimeoutKind::Progress, Phase::Body));
    });
    // Nobody waits for them any more.
    server.wait_for_connections_closed();
}

/// A body takes its timeouts along. tokio's timers panic when their runtime is gone.
#[test]
fn a_body_is_read_when_the_runtime_of_its_call_is_gone() {
    let server = FaultServer::sequence([
        Reply::ok("stalled").stall_body_after(3),
        Reply::ok(vec![b'x'; 1 << 20]),
    ]);
    let http = client(&server).timeout(Duration::from_millis(50)).build().unwrap();
    let send = |http: &HttpClient| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(http.get("/").send()).unwrap()
    };
    let error = without_tokio(send(&http).text()).unwrap_err();
    let Error::Timeout(timeout) = error else { panic!("{error:?}") };
    assert_eq!((timeout.kind(), timeout.phase()), (TimeoutKind::Progress, Phase::Body));

    let patient = client(&server).total_timeout(Duration::from_secs(60)).build().unwrap();
    assert_eq!(without_tokio(send(&patient).bytes()).unwrap().len(), 1 << 20);
}

#[test]
fn the_total_timeout_bounds_the_retries() {
    let server = FaultServer::always(Reply::status(503).header("retry-after", "1"));
    let http = client(&server).total_timeout(Duration::from_millis(100)).build().unwrap();
    let error = without_tokio(http.get("/").send()).unwrap_err();
    assert!(matches!(error, Error::RetryExhausted(_)), "{error:?}");
    assert_eq!(server.request_count(), 1);
}

/// Fetched once for all who wait, replaced when the server rejects it, and its own failures are retried.
#[test]
fn the_token_cache_works() {
    let tokens = std::sync::atomic::AtomicUsize::new(0);
    let authority = FaultServer::start(Script::respond_with(move |_| {
        let count = tokens.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match count {
            0 => Reply::status(503),
            _ => Reply::ok(format!(
                r#"{{"access_token":"token-{count}","token_type":"Bearer","expires_in":3600}}"#
            )),
        }
    }));
    let server = FaultServer::start(Script::respond_with(|request| {
        let authorization = request.header("authorization").unwrap_or_default();
        match (request.target(), authorization) {
            ("/rotated", "Bearer token-1") => Reply::status(401),
            (_, authorization) => Reply::ok(authorization),
        }
    }));
    let credentials = ClientCredentials::builder(IsahcTransport::try_new().unwrap())
        .token_url(format!("{}/token", authority.url()))
        .client_id("reports")
        .client_secret("hunter2")
        .build()
        .unwrap();
    let http = client(&server).auth(credentials.clone()).build().unwrap();
    without_tokio(async {
        let get = async |path: &str| http.get(path).send().await.unwrap().text().await.unwrap();
        let answers = join_all((0..20).map(|_| get("/"))).await;
        assert_eq!(answers, ["Bearer token-1"; 20]);
        assert_eq!(credentials.status().fetches, 1);
        assert_eq!(get("/rotated").await, "Bearer token-2");
        assert_eq!(get("/").await, "Bearer token-2");
    });
    assert_eq!(authority.request_count(), 3);
}

#[test]
fn a_client_closes_without_tokio() {
    let gate = Gate::new();
    let server = FaultServer::start(Script::always(Reply::ok("late").hold(&gate)));
    let http = client(&server).build().unwrap();
    without_tokio(async {
        let call = http.get("/").send();
        let (outcome, report) =
            futures_util::future::join(call, http.close_within(Duration::ZERO)).await;
        assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
        assert_eq!(report.dropped().len(), 1);
        assert!(http.close().await.is_clean());
    });
}
