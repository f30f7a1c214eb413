//! No token: nothing is sent, nothing is retried, and the error says what to do.

use std::error::Error as StdError;

use midil_http::{AuthErrorKind, Error, Sent, TransportErrorKind};
use midil_http_test::fault_server::Reply as Answer;

use super::*;
use crate::support::whole::{by_default, failure, of, on_the_wire};

/// What a call gets whose token endpoint gives such replies, each in its turn and the last for ever; and how often the
/// endpoint was asked.
fn call(reply: Reply) -> (Error, usize) {
    let service = Mocked::new();
    let endpoint = MockTransport::always(reply);
    let credentials =
        credentials(endpoint.clone(), "https://login.test/token", service.runtime.clone());
    let client = service.client().auth(credentials).retry(by_default()).build().expect("a client");
    let error = service.runtime.block_on(client.get("/").send()).expect_err("no token, no call");
    assert_eq!(service.api.request_count(), 0, "nothing is sent without a token");
    (error, endpoint.request_count())
}

/// The errors below the first.
fn sources(error: &Error) -> Vec<String> {
    let first: Option<&dyn StdError> = error.source();
    std::iter::successors(first, |error| (*error).source()).map(ToString::to_string).collect()
}

#[test]
fn a_token_endpoint_that_fails_fails_the_call_and_the_strategy_is_not_asked() {
    let refused = || Reply::error(|| failure(TransportErrorKind::Connect, Sent::No));
    let oauth = |status, code: &str| {
        Reply::status(status).body(format!(r#"{{"error":"{code}","error_description":"why"}}"#))
    };
    use AuthErrorKind::{Malformed, Rejected, Unavailable};
    for (reply, fetches, kind, status, says) in [
        (refused(), 3, Unavailable, None, "cannot be reached: check token_url and the way to it"),
        (Reply::status(500), 3, Unavailable, Some(500), "the token endpoint failed (status 500)"),
        (Reply::status(503), 3, Unavailable, Some(503), "the token endpoint failed (status 503)"),
        (oauth(401, "invalid_client"), 1, Rejected, Some(401), "check client_id, client_secret"),
        (oauth(400, "invalid_scope"), 1, Rejected, Some(400), "(invalid_scope: why)"),
        (Reply::ok().body("<html>"), 1, Malformed, None, "is token_url right?"),
    ] {
        let (error, asked) = call(reply);
        let Error::Auth(auth) = &error else { panic!("{error:?} is no Error::Auth") };
        assert_eq!((auth.kind(), asked), (kind, fetches), "{error}");
        assert_eq!(auth.status().map(|status| status.as_u16()), status);
        assert_eq!(error.status(), None, "the API never answered");
        assert_eq!((error.kind(), error.sent()), ("Auth", Sent::No));
        assert_eq!(
            [error.is_timeout(), error.is_connect(), error.is_status()],
            [false; 3],
            "{error}: it is not about the call's own server"
        );
        let message = error.to_string();
        assert!(message.contains(says) && message.contains("; the next try is "), "{message}");
        let below = sources(&error);
        assert_eq!(below.len(), usize::from(fetches == 3 && status.is_none()), "{below:?}");
        assert!(below.iter().all(|below| !message.contains(below)), "each level tells its own");
    }
}

#[test]
fn over_sockets_an_endpoint_that_breaks_off_is_named_with_its_cause() {
    on_the_wire(async {
        let api = FaultServer::always(Answer::ok("hello"));
        let port = FaultServer::refusing();
        let transport = ReqwestTransport::try_new().unwrap();
        let time = ManualRuntime::new();
        tokio::spawn(time.run_tasks());
        let credentials =
            credentials(transport, &format!("http://{}/token", port.address()), time.clone());
        let client = of(&api).auth(credentials).retry(by_default()).build().unwrap();
        let call = tokio::spawn(client.get("/").send());
        while !call.is_finished() {
            // The waits between the attempts of the fetch, shorter than its timeout.
            if time.sleeps().len() > time.completed_sleeps().len() && time.timers() > 0 {
                time.advance(SECOND);
            }
            tokio::task::yield_now().await;
        }
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Auth(_)), "{error:?}");
        assert!(error.to_string().contains("check token_url and the way to it"), "{error}");
        let below = sources(&error);
        assert!(below[0].starts_with("no connection could be made"), "{below:?}");
        assert!(below.iter().any(|below| below.to_lowercase().contains("refused")), "{below:?}");
        assert_eq!(api.request_count(), 0);
    });
}

#[test]
fn a_call_without_a_token_is_told_so_at_once_during_the_pause() {
    let service = Mocked::new();
    let down = MockTransport::always(Reply::status(503));
    let credentials =
        credentials(down.clone(), "https://login.test/token", service.runtime.clone());
    let client = service.client().auth(credentials).retry(by_default()).build().unwrap();
    let call = || service.runtime.block_on(client.get("/").send()).unwrap_err();
    assert!(matches!(call(), Error::Auth(_)));
    let (asked, elapsed) = (down.request_count(), service.runtime.elapsed());
    for _ in 0..100 {
        assert!(matches!(call(), Error::Auth(_)));
    }
    assert_eq!((down.request_count(), service.runtime.elapsed()), (asked, elapsed));
    assert_eq!(service.api.request_count(), 0);
}
