//! Decompression beside the other slots, and on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use midil_http::{
    Attempt, Body, Error, GiveUpReason, HttpClientBuilder, Phase, Request, RetryDecision,
    TimeoutKind, middleware_fn,
};
use midil_http_test::fault_server::{Cut, FaultServer, Reply};
use midil_http_test::{ManualRuntime, MockTransport, Reply as Mocked};

use super::coding::Coding;
use super::{pieces, text};
use crate::support::over;
use crate::support::whole::{Door, exhausted, of, on_the_wire, timed_out};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn reply(coding: Coding, status: u16) -> Reply {
    Reply::status(status).header("content-encoding", coding.name()).body(coding.encode(&text()))
}

fn mocked(coding: Coding, status: u16, data: &[u8]) -> Mocked {
    Mocked::status(status).header("content-encoding", coding.name()).body(coding.encode(data))
}

#[test]
fn a_real_response_is_decoded() {
    on_the_wire(async {
        for coding in Coding::enabled() {
            let chunked = Reply::status(200)
                .header("content-encoding", coding.name())
                .chunked(coding.encode(&text()).chunks(100))
                .trailer("x-checksum", "abc");
            let server = FaultServer::sequence([reply(coding, 200), chunked]);
            let client = of(&server).build().unwrap();
            for _ in 0..2 {
                let response = client.get("/").send().await.unwrap();
                assert_eq!(response.bytes().await.unwrap(), text(), "{coding:?}");
            }
            // The connection was used again: the body was read to its end.
            assert_eq!(server.connections(), 1, "{coding:?}");
        }
    });
}

#[test]
fn a_body_that_breaks_off_on_the_wire_is_an_error_of_the_transport() {
    on_the_wire(async {
        for coding in Coding::enabled() {
            for cut in [Cut::Close, Cut::Reset] {
                let server = FaultServer::always(reply(coding, 200).cut_body_after(50, cut));
                let client = of(&server).build().unwrap();
                let outcome = client.get("/").send().await.unwrap().bytes().await;
                assert!(matches!(outcome, Err(Error::Transport(_))), "{coding:?}: {outcome:?}");
            }
        }
    });
}

#[test]
fn a_body_that_stalls_times_out_through_the_decoder() {
    for coding in Coding::enabled() {
        let runtime = ManualRuntime::new();
        let read = |set: fn(HttpClientBuilder) -> HttpClientBuilder| {
            let encoded = coding.encode(&text());
            let stalling = move |_: Request| {
                let body = Body::stream(pieces(&encoded[..200], 200).chain(stream::pending()));
                let response = http::Response::builder().header("content-encoding", coding.name());
                async move { Ok(response.body(body).expect("a good response")) }
            };
            let client = set(over(stalling).runtime(runtime.clone())).build().unwrap();
            runtime.block_on(async { client.get("/").send().await?.bytes().await })
        };
        let progress = read(|client| client);
        assert_eq!(timed_out(progress), (TimeoutKind::Progress, seconds(30), Phase::Body));
        let attempt = read(|client| client.attempt_timeout(seconds(7)));
        assert_eq!(timed_out(attempt), (TimeoutKind::Attempt, seconds(7), Phase::Body));
        let total = read(|client| client.total_timeout(seconds(5)));
        assert_eq!(timed_out(total), (TimeoutKind::Total, seconds(5), Phase::Body));
        assert_eq!(runtime.elapsed(), seconds(30 + 7 + 5));
    }
}

#[tokio::test]
async fn the_body_of_an_error_is_decoded() {
    for coding in Coding::enabled() {
        let mock = MockTransport::always(mocked(coding, 404, b"no such user"));
        let client = over(mock).build().unwrap();
        let outcome = client.get("/").send().await.unwrap().error_for_status().await;
        let Err(Error::Status(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.body(), b"no such user", "{coding:?}");
        let outcome = client.get("/").raise_for_status().send().await;
        let Err(Error::Status(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.body(), b"no such user", "{coding:?}");
    }
}

#[tokio::test]
async fn the_last_response_of_a_call_that_was_given_up_is_decoded() {
    let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Attempts };
    for door in Door::BOTH {
        for coding in Coding::enabled() {
            let runtime = ManualRuntime::new();
            let mock = MockTransport::always(mocked(coding, 503, b"busy"));
            let client = door.client(mock, give_up, &runtime).build().unwrap();
            let response = exhausted(client.get("/").send().await).into_response().unwrap();
            assert!(!response.headers().contains_key("content-encoding"), "{coding:?}");
            let body = response.into_body().collect(100).await.unwrap();
            assert_eq!(body, "busy", "{door:?}, {coding:?}");

            let mock = MockTransport::always(mocked(coding, 503, b"busy"));
            let client = door.client(mock, give_up, &runtime).build().unwrap();
            let call = client.get("/").decompress(false).send().await;
            let response = exhausted(call).into_response().unwrap();
            assert_eq!(response.headers()["content-encoding"], coding.name());
            let body = response.into_body().collect(100).await.unwrap();
            assert_eq!(body, coding.encode(b"busy"), "{door:?}, {coding:?}");
        }
    }
}

/// One that retries over one that retries: the response is two errors deep.
#[tokio::test]
async fn as_deep_as_it_may_be() {
    let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Attempts };
    let Some(coding) = Coding::enabled().next() else { return };
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(mocked(coding, 503, b"busy"));
    let client = Door::Transport.client(mock, give_up, &runtime).retry(give_up).build().unwrap();
    let outer = exhausted(client.get("/").send().await);
    let midil_http::LastOutcome::Error(Error::RetryExhausted(inner)) = outer.into_last() else {
        panic!("one door was not there")
    };
    let body = inner.into_response().unwrap().into_body().collect(100).await.unwrap();
    assert_eq!(body, "busy");
}

#[tokio::test]
async fn a_last_response_that_was_cut_stays_cut() {
    let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Attempts };
    let mut state = 7_u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    for coding in Coding::enabled() {
        let mock = MockTransport::always(mocked(coding, 503, &noise));
        let client = over(mock).retry(give_up).build().unwrap();
        let response = exhausted(client.get("/").send().await).into_response().unwrap();
        let mut body = response.into_body();
        let mut received = Vec::new();
        let error = loop {
            match body.chunk().await {
                Ok(piece) => received.extend_from_slice(&piece.expect("it is never short")),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Transport(_)), "{coding:?}: {error:?}");
        assert!(noise.starts_with(&received) && received.len() > 30_000, "{}", received.len());
    }
}

#[tokio::test]
async fn what_is_below_sees_bodies_as_they_came_and_what_is_above_decoded() {
    for coding in Coding::enabled() {
        let [above, below] = [Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false))];
        let see = |seen: &Arc<AtomicBool>| {
            let seen = Arc::clone(seen);
            middleware_fn(move |request, next| {
                let seen = Arc::clone(&seen);
                Box::pin(async move {
                    let response = next.run(request).await?;
                    let encoded = response.headers().contains_key("content-encoding");
                    seen.store(encoded, Ordering::Relaxed);
                    Ok(response)
                })
            })
        };
        let mock = MockTransport::sequence([
            mocked(coding, 302, b"over there").header("location", "/v1/there"),
            mocked(coding, 200, b"hello"),
        ]);
        let client = over(mock).middleware(see(&above)).attempt_middleware(see(&below));
        let response = client.build().unwrap().get("/").send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "hello", "{coding:?}");
        assert!(!above.load(Ordering::Relaxed) && below.load(Ordering::Relaxed), "{coding:?}");
    }
}
