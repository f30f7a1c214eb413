//! Calls that fail, on the mock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream;
use midil_http::*;
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use super::super::secrets::*;
use super::super::service;
use super::Failure;
use crate::support::up_to;

/// A reply with secrets in its head and its body.
fn secretive(status: u16) -> Reply {
    Reply::from_fn(move |_| {
        let mut response = service::response().body(Body::from(BODY)).expect("valid");
        *response.status_mut() = status.try_into().expect("a status");
        Ok(response)
    })
}

fn failing(kind: TransportErrorKind) -> Reply {
    Reply::error(move || TransportError::new(kind, Sent::Maybe, "it failed").into())
}

pub(in super::super) fn all() -> Vec<Failure> {
    use TransportErrorKind::{
        Closed, Connect, Dns, NotResumed, Other, Protocol, Refused, Reset, Tls,
    };
    let mut failures = Vec::new();
    for kind in [Dns, Connect, Tls, Refused, Reset, Closed, Protocol, NotResumed, Other] {
        failures.extend(calls(&format!("{kind:?}"), &|| failing(kind)));
    }
    for status in [301, 401, 404, 422, 429, 500, 503] {
        failures.extend(calls(&status.to_string(), &|| secretive(status)));
    }
    let breaking = || {
        Reply::ok().body(Body::replayable(None, || {
            let reset = TransportError::new(Reset, Sent::Maybe, "it was reset");
            stream::iter([Ok(BODY), Err(reset)])
        }))
    };
    let changing = || {
        let versions = AtomicUsize::new(0);
        Reply::from_fn(move |_| {
            let tag = format!("\"v{}\"", versions.fetch_add(1, Ordering::Relaxed));
            let response = service::response().header("etag", tag).header("content-length", "9999");
            Ok(response.body(Body::from(BODY)).expect("valid"))
        })
    };
    let location = |scheme: &str| format!("{scheme}://api.test/?token={}", form_encoded(QUERY));
    let (same, downgrade) = (location("https"), location("http"));
    failures.extend(calls("a body that breaks off", &breaking));
    failures.extend(calls("a resource that changes", &changing));
    failures.extend(calls("a stall", &Reply::pending));
    failures.extend(calls("JSON", &|| Reply::ok().json(&[BODY])));
    failures.extend(calls("no UTF-8", &|| Reply::ok().body([BODY.as_bytes(), b"\xff"].concat())));
    failures.extend(calls("circles", &|| Reply::status(307).header("location", same.as_str())));
    failures.extend(calls("a downgrade", &|| {
        Reply::status(307).header("location", downgrade.as_str())
    }));
    failures
}

/// What becomes of calls of every sort that get such a reply, again and again.
fn calls(what: &str, reply: &dyn Fn() -> Reply) -> Vec<Failure> {
    let runtime = ManualRuntime::new();
    let begin = |retried: bool| {
        let client = service::client(MockTransport::always(reply()), runtime.clone());
        let client = client.max_response_bytes(4096);
        let client = if retried { client.retry(DefaultRetryStrategy::default()) } else { client };
        client.build().expect("a good client")
    };
    let (plain, retrying) = (begin(false), begin(true));
    let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Budget };
    let request = |client: &HttpClient| service::request(client, "/a");
    let resumable = |client: &HttpClient| {
        let request = client.get("/a").query(&[("token", QUERY)]).cookie("session", COOKIE);
        request.header("authorization", TOKEN).resumable(true)
    };
    let total = Duration::from_millis(700);
    let once = || Body::stream(stream::iter([Ok::<_, Error>(BODY), Err(Error::custom("mine"))]));
    let mut failures = Vec::new();
    for (how, call) in [
        ("plain", request(&plain)),
        ("retried", request(&retrying)),
        ("given up", request(&plain).retry(give_up)),
        ("resumed", resumable(&retrying)),
        ("raised", request(&plain).raise_for_status()),
        ("short of time", request(&retrying).total_timeout(total)),
        ("short attempts", request(&plain).attempt_timeout(total).retry(up_to(2))),
        ("a stream that fails", request(&plain).body(once())),
    ] {
        let outcome = runtime.block_on(async {
            let response = call.send().await?;
            response.json::<Vec<u32>>().await.map(drop)
        });
        failures.extend(outcome.err().map(|error| (format!("{what}, {how}"), error)));
    }
    let limited = service::client(MockTransport::always(reply()), runtime.clone());
    let limited = limited.max_response_bytes(1).build().expect("a good client");
    let outcome = runtime.block_on(async { request(&limited).send().await?.text().await });
    failures.extend(outcome.err().map(|error| (format!("{what}, limited"), error)));
    // A mock that has nothing to say tells what came.
    let mock = MockTransport::new();
    let unexpected = service::client(mock.clone(), runtime.clone()).build().expect("a client");
    let outcome = runtime.block_on(request(&unexpected).send());
    failures.extend(outcome.err().map(|error| (format!("{what}, unexpected"), error)));
    assert!(mock.mismatch().is_some());
    failures
}
