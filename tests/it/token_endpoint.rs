//! Token endpoints that fail, over real sockets.
#![cfg(all(feature = "reqwest", feature = "retry", feature = "auth"))]

use std::error::Error as StdError;
use std::time::Duration;

use midil_http::{
    AuthError, AuthErrorKind, AuthNProvider, ClientAuthMethod, ClientCredentials, ReqwestTransport,
};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{Cut, FaultServer, Reply, Script};

use crate::support::whole::{on_the_wire, until};

const FINE: &str = r#"{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}"#;

/// What no error may show: id, secret, query and token, also as they are sent.
const HIDDEN: [&str; 6] =
    ["r3ports", "hunter+2", "hunter%2B2", "k3y", "t0ken", "cjNwb3J0czpodW50ZXIlMkIy"];

fn credentials(url: &str, runtime: &ManualRuntime, method: ClientAuthMethod) -> ClientCredentials {
    ClientCredentials::builder(ReqwestTransport::try_new().unwrap())
        .token_url(format!("{url}/token?key=k3y"))
        .client_id("r3ports")
        .client_secret("hunter+2")
        .auth_method(method)
        .fetch_timeout(Duration::from_secs(3))
        .runtime(runtime.clone())
        .build()
        .unwrap()
}

/// Fetches a token; sockets take their time, and the waits between attempts none.
async fn fetch(url: &str, method: ClientAuthMethod) -> Result<String, AuthError> {
    let runtime = ManualRuntime::new();
    let credentials = credentials(url, &runtime, method);
    let waits = async {
        loop {
            // The first two are the limits of the fetch and of who waits for it; the third is a backoff.
            runtime.wait_for_timers(3).await;
            runtime.advance_to_next_timer();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = credentials.get_token() => Ok(outcome?.access_token().expose().to_owned()),
        () = runtime.run_tasks() => unreachable!("it never completes"),
        () = waits => unreachable!("nor does this"),
    }
}

/// Everything that an error shows, and its causes.
#[track_caller]
fn keeps_quiet(error: &AuthError) -> String {
    let mut texts = vec![format!("{error:?} {error:#?}")];
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    let shown = texts.join("\n");
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{hidden} is in {shown}");
    }
    shown
}

/// Has a server answer as `script` says, and checks what that comes to, whichever way the secret goes.
async fn comes_to(
    script: impl Fn() -> Script,
    (kind, begins, requests): (AuthErrorKind, &str, usize),
) {
    for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
        let server = FaultServer::start(script());
        let error = fetch(&server.url(), method).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with(begins), "{error}");
        assert_eq!(server.request_count(), requests, "{error}");
        keeps_quiet(&error);
    }
}

/// A reply that is no token, and repeats what it should not.
fn repeating(status: u16) -> Reply {
    Reply::status(status).body("<html>r3ports hunter+2 hunter%2B2 k3y t0ken</html>")
}

const DOWN: &str =
    "the token endpoint cannot be reached: check token_url and the way to it; the next try";

#[test]
fn an_endpoint_that_is_down() {
    on_the_wire(async {
        let port = FaultServer::refusing();
        for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
            let error = fetch(&port.url(), method).await.unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::Unavailable);
            assert!(error.to_string().starts_with(DOWN), "{error}");
            let shown = keeps_quiet(&error);
            assert!(shown.to_lowercase().contains("refused"), "the cause is told: {shown}");
        }
    });
}

#[test]
fn an_answer_that_breaks_off() {
    let script = || Reply::ok(FINE).cut_body_after(20, Cut::Reset).into();
    on_the_wire(async {
        comes_to(script, (AuthErrorKind::Unavailable, DOWN, 3)).await;
        let chunked = || Reply::ok("").chunked([FINE]).cut_body_after(20, Cut::Close).into();
        comes_to(chunked, (AuthErrorKind::Unavailable, DOWN, 3)).await;
        comes_to(|| Reply::close_before_head().into(), (AuthErrorKind::Unavailable, DOWN, 3)).await;
        comes_to(|| Reply::garbage().into(), (AuthErrorKind::Unavailable, DOWN, 3)).await;
    });
}

#[test]
fn an_endpoint_that_recovers_within_the_fetch() {
    on_the_wire(async {
        let broken = || Reply::ok(FINE).content_length(1000);
        let server = FaultServer::sequence([broken(), Reply::status(503), Reply::ok(FINE)]);
        let token = fetch(&server.url(), ClientAuthMethod::Basic).await.unwrap();
        assert_eq!((token.as_str(), server.request_count()), ("t0ken", 3));
    });
}

#[test]
fn a_page_for_people() {
    let html = || repeating(200).header("content-type", "text/html; charset=utf-8").into();
    let says = "the token endpoint's answer is no JSON object of a token, but text/html: is token_url right?";
    on_the_wire(comes_to(html, (AuthErrorKind::Malformed, says, 1)));
}

#[test]
fn a_redirect_is_not_followed() {
    on_the_wire(async {
        let elsewhere = FaultServer::always(Reply::ok(FINE));
        for status in [301, 302, 303, 307, 308] {
            let location = format!("{}/token?key=k3y", elsewhere.url());
            let script = || repeating(status).header("location", location.clone()).into();
            let says = format!(
                "the token endpoint redirects, and a secret does not follow: \
                 set token_url to where it leads (status {status})"
            );
            comes_to(script, (AuthErrorKind::Configuration, &says, 1)).await;
        }
        assert_eq!(elsewhere.connections(), 0);
    });
}

#[test]
fn a_huge_answer() {
    on_the_wire(async {
        let says = "the token endpoint's answer has more than 256 KiB: is token_url right?";
        let chunk = vec![b'x'; 64 << 10];
        let endless = || Reply::ok("").chunked(vec![chunk.clone(); 64]).into();
        comes_to(endless, (AuthErrorKind::Malformed, says, 1)).await;
        let announced = || Reply::ok(vec![b'x'; 4 << 20]).content_length(10 << 30).into();
        comes_to(announced, (AuthErrorKind::Malformed, says, 1)).await;
    });
}

#[test]
fn a_client_that_is_refused() {
    let body = r#"{"error":"invalid_client","error_description":"r3ports: hunter+2 is wrong"}"#;
    let says = "the token endpoint refused the client: check client_id, client_secret and auth_method \
                (status 401) (invalid_client: …: … is wrong)";
    on_the_wire(async {
        comes_to(|| Reply::status(401).body(body).into(), (AuthErrorKind::Rejected, says, 1)).await;
        let echo = Script::respond_with(|request| {
            let sent = request.header("authorization").unwrap_or_default();
            let description = format!("what is {sent}?");
            let error =
                serde_json::json!({ "error": "invalid_client", "error_description": description });
            Reply::status(401).body(error.to_string())
        });
        let server = FaultServer::start(echo);
        let error = fetch(&server.url(), ClientAuthMethod::Basic).await.unwrap_err();
        assert_eq!(error.error_description(), Some("what is Basic …?"));
        keeps_quiet(&error);
    });
}

#[test]
fn an_endpoint_that_never_answers() {
    on_the_wire(async {
        for reply in [Reply::stall(), Reply::ok(FINE).stall_body_after(10)] {
            let server = FaultServer::always(reply);
            let runtime = ManualRuntime::new();
            let credentials = credentials(&server.url(), &runtime, ClientAuthMethod::Basic);
            let impatient = async {
                until(|| server.request_count() == 1).await;
                runtime.advance(Duration::from_secs(3));
                std::future::pending::<()>().await;
            };
            let error = tokio::select! {
                outcome = credentials.get_token() => outcome.unwrap_err(),
                () = runtime.run_tasks() => unreachable!("it never completes"),
                () = impatient => unreachable!("nor does this"),
            };
            assert_eq!(error.kind(), AuthErrorKind::Unavailable);
            let says = "there was no token within fetch_timeout (3.0s): is its authority up?";
            assert!(error.to_string().starts_with(says), "{error}");
            assert_eq!((runtime.elapsed(), server.request_count()), (Duration::from_secs(3), 1));
            keeps_quiet(&error);
        }
    });
}
