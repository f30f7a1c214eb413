//! A 401: one refetch, one replay.

use futures_util::future::join_all;
use futures_util::stream;
use midil_http::{
    Budget, DefaultRetryStrategy, Error, FixedDelayBackoff, RequestBuilder, RequestHead,
    RetryBudget,
};
use midil_http_test::fault_server::Reply as Answer;
use url::Url;

use super::*;
use crate::support::whole::{of, on_the_wire, until};
use crate::support::{BASE, Fixed};

/// A service that rejects the token that is there.
fn rejecting() -> Mocked {
    let service = Mocked::new();
    service.warm_up();
    service.oldest.set(2);
    service
}

#[test]
fn a_rejected_token_costs_one_fetch_and_one_replay() {
    let service = rejecting();
    let client = service.client().build().unwrap();
    let response = service.runtime.block_on(client.post("/").json("hello").send()).unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
    assert_eq!(service.seen(), ["Bearer t1", "Bearer t2"]);
    assert!(service.api.requests().iter().all(|request| request.text() == "\"hello\""));
    assert_eq!(service.endpoint.request_count(), 2);
    // The next call begins with the new one.
    service.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(service.seen().pop().unwrap(), "Bearer t2");
}

#[test]
fn over_sockets_a_rejected_token_is_healed_on_the_same_connection() {
    on_the_wire(async {
        let service = Wired::new(|reply| reply);
        let client = service.client().build().unwrap();
        client.get("/").send().await.unwrap();
        service.oldest.set(2);
        service.rejections.open();
        let response = client.put("/").body("hello").send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
        let requests = service.api.requests();
        let seen: Vec<_> = requests.iter().map(|r| r.header("authorization").unwrap()).collect();
        assert_eq!(seen, ["Bearer t1", "Bearer t1", "Bearer t2"]);
        assert_eq!([requests[1].body(), requests[2].body()], [b"hello"; 2]);
        assert_eq!((service.endpoint.request_count(), service.api.connections()), (2, 1));
    });
}

#[test]
fn fifty_calls_that_are_rejected_alike_cost_one_fetch() {
    let service = rejecting();
    // All have been sent before the first is answered.
    let slow = || Reply::status(401).delayed(SECOND, service.runtime.clone());
    let old = |request: &RequestHead| request.headers["authorization"] == "Bearer t1";
    let old = (0..50).fold(service.api.when(old), |old, _| old.reply(slow()));
    let client = service.client().build().unwrap();
    let calls = join_all((0..50).map(|_| client.get("/").send()));
    for outcome in service.runtime.block_on(calls) {
        let response = outcome.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
    }
    assert_eq!((service.endpoint.request_count(), service.api.request_count()), (2, 100));
    assert_eq!(old.request_count(), 50);
}

#[test]
fn over_sockets_fifty_calls_that_are_rejected_alike_cost_one_fetch() {
    on_the_wire(async {
        let service = Wired::new(|reply| reply);
        let client = service.client().build().unwrap();
        client.get("/").send().await.unwrap();
        service.oldest.set(2);
        let calls: Vec<_> = (0..50).map(|_| tokio::spawn(client.get("/").send())).collect();
        until(|| service.api.request_count() == 1 + 50).await;
        service.rejections.open();
        for call in calls {
            let response = call.await.unwrap().unwrap();
            assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
        }
        assert_eq!((service.endpoint.request_count(), service.api.request_count()), (2, 1 + 100));
    });
}

#[test]
fn a_late_401_leaves_the_newer_token_alone() {
    let service = rejecting();
    let late = Reply::status(401).delayed(SECOND * 10, service.runtime.clone());
    let slow = service.api.on(http::Method::GET, "/v1/slow").reply(late).reply(Reply::ok());
    let client = service.client().build().unwrap();
    let (slow_call, quick_call) = service
        .runtime
        .block_on(async { tokio::join!(client.get("/slow").send(), client.get("/quick").send()) });
    assert!([slow_call, quick_call].into_iter().all(|call| call.unwrap().status() == 200));
    let given: Vec<_> =
        slow.requests().iter().map(|r| r.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(given, ["Bearer t1", "Bearer t2"], "it was replayed with what was there");
    assert_eq!(service.endpoint.request_count(), 2, "and nothing was fetched for it");
    assert_eq!(service.credentials.status().generation, 2);
}

#[test]
fn who_is_rejected_again_gets_the_401_with_its_body() {
    let service = rejecting();
    service.oldest.set(usize::MAX);
    let client = service.client().build().unwrap();
    service.runtime.block_on(async {
        let response = client.get("/").send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (401, 1));
        assert_eq!(response.text().await.unwrap(), "Bearer t2", "what the second answer says");
    });
    assert_eq!((service.endpoint.request_count(), service.api.request_count()), (2, 2));
}

/// Nothing better is to be had: the same request would be rejected again.
#[test]
fn a_401_to_headers_that_never_change_is_returned_unread() {
    const LENGTH: usize = 300 * 1024; // more than is ever drained
    on_the_wire(async {
        let api = FaultServer::always(Answer::status(401).body(vec![b'x'; LENGTH]));
        let fixed = || Fixed::new(&[("x-api-key", "hunter2"), ("x-tenant", "7")]);
        let client = of(&api).auth(fixed()).retry(crate::support::whole::by_default());
        let response = client.build().unwrap().get("/").send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (401, 1));
        assert_eq!(response.bytes().await.unwrap().len(), LENGTH);
        assert_eq!((api.request_count(), api.connections()), (1, 1));
    });
}

#[test]
fn a_401_to_a_stream_is_returned_when_the_stream_was_read_and_replayed_when_not() {
    let once = || Body::stream(stream::iter([Ok::<_, Error>("hello")]));
    let service = rejecting();
    let client = service.client().build().unwrap();
    service.runtime.block_on(async {
        let response = client.post("/").body(once()).send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.text().await.unwrap(), "Bearer t1");
    });
    assert_eq!((service.endpoint.request_count(), service.api.request_count()), (1, 1));
    // Its token is gone all the same: the next call does not send it.
    service.runtime.block_on(client.post("/").body(once()).send()).unwrap();
    assert_eq!(service.seen(), ["Bearer t1", "Bearer t2"]);

    let service = Mocked::new();
    service.warm_up();
    let unread = Reply::status(401).without_reading_body();
    let untouched = service.api.on(http::Method::POST, "/v1/").reply(unread).reply(Reply::ok());
    let client = service.client().build().unwrap();
    let call = client.post("/").body(once()).send();
    assert_eq!(service.runtime.block_on(call).unwrap().status(), 200);
    assert_eq!(untouched.requests()[1].text(), "hello");
    assert_eq!(untouched.requests()[1].header("authorization"), Some("Bearer t2"));
}

#[test]
fn over_sockets_a_stream_that_was_sent_gets_its_401() {
    on_the_wire(async {
        let service = Wired::new(|reply| reply);
        service.oldest.set(2);
        service.rejections.open();
        let client = service.client().build().unwrap();
        let post =
            || client.post("/").body(Body::stream(stream::iter([Ok::<_, Error>("hello")]))).send();
        assert_eq!(post().await.unwrap().status(), 401);
        assert_eq!(service.api.request_count(), 1);
        assert_eq!(post().await.unwrap().status(), 200);
        assert_eq!(service.endpoint.request_count(), 2);
    });
}

/// A budget of which so much is left, and a client of the service that pays from it.
fn on_a_budget(service: &Mocked, left: usize) -> (impl Fn() -> f64, HttpClient) {
    let (budget, url) = (RetryBudget::default(), Url::parse(BASE).expect("a URL"));
    let now = service.runtime.now();
    assert!((left..10).all(|_| budget.withdraw(&url, now)));
    let strategy = DefaultRetryStrategy::builder()
        .max_attempts(2)
        .backoff(FixedDelayBackoff::new(Duration::ZERO))
        .budget(budget.clone())
        .build()
        .expect("a good strategy");
    let client = service.client().retry(strategy).build().expect("a good client");
    (move || budget.available(&url, now), client)
}

#[test]
fn the_replay_costs_no_attempt_and_no_token_of_the_budget() {
    // What the API answers to the first requests, and what is left of five tokens then. A retry costs 1, one that
    // succeeds earns 2.5, a first attempt that does, 0.1.
    for (answers, attempts, left) in [
        (&[200][..], 1, 5.1),
        (&[401, 200], 1, 5.1),
        (&[503, 200], 2, 6.5),
        (&[401, 503, 200], 2, 6.5),
        (&[503, 401, 200], 2, 6.5),
    ] {
        let service = Mocked::taking(Duration::ZERO); // time brings nothing back
        let answer = service.api.when(|_| true);
        let answer = answers.iter().fold(answer, |all, status| all.reply(Reply::status(*status)));
        let (available, client) = on_a_budget(&service, 5);
        let send = |call: RequestBuilder| service.runtime.block_on(call.send()).expect("no error");
        let response = send(client.get("/"));
        assert_eq!(
            (response.status().as_u16(), response.attempts()),
            (200, attempts),
            "{answers:?}"
        );
        assert_eq!(answer.request_count(), answers.len());
        assert!((available() - left).abs() < 1e-9, "{answers:?}: {}", available());
    }
}

#[test]
fn an_empty_budget_does_not_keep_a_rejected_token_from_being_replaced() {
    let service = rejecting();
    let (available, client) = on_a_budget(&service, 0);
    assert!(available() < 1.0);
    let response = service.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
    assert_eq!(service.seen(), ["Bearer t1", "Bearer t2"]);
}

/// Nor is a 401 that stays retried, whoever would like to.
#[test]
fn a_strategy_is_not_asked_between_the_401_and_its_replay() {
    let service = rejecting();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let strategy = move |attempt: &midil_http::Attempt<'_>| {
        assert_eq!(attempt.number, 1);
        count.fetch_add(1, Ordering::Relaxed);
        midil_http::RetryDecision::Accept
    };
    let client = service.client().retry(strategy).build().unwrap();
    assert_eq!(service.runtime.block_on(client.get("/").send()).unwrap().status(), 200);
    assert_eq!(asked.load(Ordering::Relaxed), 1, "about what came of the attempt in the end");
}
