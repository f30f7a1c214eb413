//! Many calls, one token request.

use futures_util::FutureExt;
use futures_util::future::join_all;
use midil_http::{Error, Phase, Response, TimeoutKind};
use midil_http_test::fault_server::{Gate, Reply as Answer};

use super::*;
use crate::support::whole::{on_the_wire, timed_out, until};

const MANY: usize = 10_000;
const SOME: usize = 200;

/// As many calls at once; all of them go well.
fn all_at_once(service: &Mocked, count: usize) {
    let client = service.client().build().unwrap();
    let calls = join_all((0..count).map(|_| client.get("/").send()));
    for outcome in service.runtime.block_on(calls) {
        let response = outcome.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
    }
}

#[test]
fn ten_thousand_calls_without_a_token_make_one_token_request() {
    let service = Mocked::new();
    all_at_once(&service, MANY);
    assert_eq!((service.endpoint.request_count(), service.runtime.elapsed()), (1, SECOND));
    let seen = service.seen();
    assert!(seen.len() == MANY && seen.iter().all(|given| given == "Bearer t1"));
}

#[test]
fn ten_thousand_calls_with_an_expired_token_make_one_token_request() {
    let service = Mocked::new();
    service.warm_up();
    service.runtime.advance(HOUR);
    all_at_once(&service, MANY);
    assert_eq!(service.endpoint.request_count(), 2);
    let seen = service.seen();
    assert!(seen.len() == MANY && seen.iter().all(|given| given == "Bearer t2"));
}

/// Begins as many calls, each a task.
fn begin(
    client: &HttpClient,
    count: usize,
) -> Vec<tokio::task::JoinHandle<Result<Response, Error>>> {
    (0..count).map(|_| tokio::spawn(client.get("/").send())).collect()
}

#[test]
fn over_sockets_cold_and_expired_cost_one_token_request_each() {
    on_the_wire(async {
        let gate = Gate::new();
        let held = gate.clone();
        let service = Wired::new(move |reply| reply.hold(&held));
        let client = service.client().build().unwrap();

        let cold = begin(&client, SOME);
        // By now, everyone has had a turn, and waits.
        until(|| service.endpoint.request_count() == 1).await;
        assert_eq!(service.api.request_count(), 0);
        gate.open();
        for call in cold {
            assert_eq!(call.await.unwrap().unwrap().status(), 200);
        }
        assert_eq!(service.endpoint.request_count(), 1);

        service.time.advance(HOUR);
        for call in begin(&client, SOME) {
            assert_eq!(call.await.unwrap().unwrap().status(), 200);
        }
        assert_eq!(service.endpoint.request_count(), 2);
        let requests = service.api.requests();
        let with = |token| {
            requests.iter().filter(|request| request.header("authorization") == Some(token)).count()
        };
        assert_eq!((with("Bearer t1"), with("Bearer t2")), (SOME, SOME));
    });
}

#[test]
fn a_failure_is_shared_and_asked_for_once() {
    let service = Mocked::new();
    let refusal = r#"{"error":"invalid_client"}"#;
    let endpoint = MockTransport::always(Reply::status(401).body(refusal));
    let credentials =
        credentials(endpoint.clone(), "https://login.test/token", service.runtime.clone());
    let client = service.client().auth(credentials).build().unwrap();
    let calls = join_all((0..MANY).map(|_| client.get("/").send()));
    for outcome in service.runtime.block_on(calls) {
        let Err(Error::Auth(error)) = outcome else { panic!("no Error::Auth") };
        assert_eq!(error.error(), Some("invalid_client"));
    }
    assert_eq!((endpoint.request_count(), service.api.request_count()), (1, 0));
}

#[test]
fn the_call_that_began_the_fetch_is_dropped_and_the_others_get_the_token() {
    let service = Mocked::new();
    let client = service.client().build().unwrap();
    let mut first = Box::pin(client.get("/first").send());
    service.runtime.block_on(async {
        assert!((&mut first).now_or_never().is_none());
        let mut others = Box::pin(join_all((0..SOME).map(|_| client.get("/").send())));
        assert!((&mut others).now_or_never().is_none());
        service.runtime.sleep(SECOND / 2).await;
        drop(first);
        assert!(others.await.into_iter().all(|outcome| outcome.unwrap().status() == 200));
    });
    assert_eq!((service.endpoint.request_count(), service.runtime.elapsed()), (1, SECOND));
    assert_eq!(service.api.request_count(), SOME);
}

#[test]
fn the_call_that_began_the_fetch_times_out_and_the_others_get_the_token() {
    let service = Mocked::new();
    let client = service.client().build().unwrap();
    let first = client.get("/first").total_timeout(SECOND / 2).send();
    let others = join_all((0..SOME).map(|_| client.get("/").send()));
    let (first, others) = service.runtime.block_on(async { tokio::join!(first, others) });
    assert_eq!(timed_out(first), (TimeoutKind::Total, SECOND / 2, Phase::Credentials));
    assert!(others.into_iter().all(|outcome| outcome.unwrap().status() == 200));
    assert_eq!((service.endpoint.request_count(), service.runtime.elapsed()), (1, SECOND));
}

/// Neither the connection nor the request of the fetch is the caller's.
#[test]
fn over_sockets_the_fetch_survives_its_caller() {
    on_the_wire(async {
        let gate = Gate::new();
        let held = gate.clone();
        let service = Wired::new(move |reply| reply.hold(&held));
        let client = service.client().build().unwrap();
        let first = tokio::spawn(client.get("/").send());
        until(|| service.endpoint.request_count() == 1).await;
        let others = begin(&client, 20);
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        gate.open();
        for call in others {
            assert_eq!(call.await.unwrap().unwrap().status(), 200);
        }
        let seen = (service.endpoint.request_count(), service.endpoint.connections());
        assert_eq!((seen, service.api.request_count()), ((1, 1), 20));
    });
}

#[test]
fn a_valid_token_waits_for_no_endpoint_that_hangs() {
    let service = Mocked::new();
    let hanging = MockTransport::sequence([Reply::ok().body(Tokens::default().next())])
        .reply_always(Reply::pending());
    let credentials =
        credentials(hanging.clone(), "https://login.test/token", service.runtime.clone());
    let client = service.client().auth(credentials.clone()).build().unwrap();
    service.runtime.block_on(client.get("/").send()).unwrap();
    service.runtime.advance(HOUR * 9 / 10);
    for _ in 0..100 {
        let response = client.get("/").send().now_or_never().expect("it waits").unwrap();
        assert_eq!(response.status(), 200);
        service.runtime.run_tasks().now_or_never();
    }
    assert!(credentials.status().fetching);
    assert_eq!(hanging.request_count(), 2);
    hanging.verify();
}

#[test]
fn over_sockets_a_valid_token_waits_for_no_endpoint_that_hangs() {
    on_the_wire(async {
        let service = Wired::new({
            let first = AtomicUsize::new(0);
            move |reply| match first.fetch_add(1, Ordering::Relaxed) {
                0 => reply,
                _ => Answer::stall(),
            }
        });
        let client = service.client().build().unwrap();
        assert_eq!(client.get("/").send().await.unwrap().status(), 200);
        service.time.advance(HOUR * 9 / 10);
        for _ in 0..SOME {
            assert_eq!(client.get("/").send().await.unwrap().status(), 200);
        }
        until(|| service.endpoint.request_count() == 2).await;
        assert_eq!(client.get("/").send().await.unwrap().status(), 200);
        assert!(service.credentials.status().fetching);
    });
}
