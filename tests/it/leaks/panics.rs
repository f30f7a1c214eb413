//! Panics that are ours: those of the test doubles, whose messages end up in logs of builds.
//!
//! Where the test itself writes a secret into its expectations (`MockTransport::on` with a query), its message has it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use midil_http::*;
use midil_http_test::fault_server::{self, FaultServer};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use super::secrets::*;
use super::{assert_nothing, service};

/// What the panic of `code` says.
#[track_caller]
fn message(what: &str, code: impl FnOnce()) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(code)) else { panic!("{what}: no panic") };
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).expect("a message")
}

/// A mock that got a request of ours, and one that is none.
fn used(reply: Option<Reply>) -> MockTransport {
    let mock = MockTransport::new();
    if let Some(reply) = reply {
        mock.reply_always(reply);
    }
    let runtime = ManualRuntime::new();
    let client = service::client(mock.clone(), runtime.clone()).build().expect("a client");
    drop(runtime.block_on(service::request(&client, "/a").send()));
    drop(runtime.block_on(mock.send(service::unmarked())));
    mock
}

#[test]
fn no_panic_shows_a_secret() {
    type Panic = (&'static str, Box<dyn FnOnce()>);
    let cases: Vec<Panic> = vec![
        ("verify", Box::new(|| used(None).verify())),
        ("a mock that is dropped", Box::new(|| drop(used(None)))),
        (
            "a header of a reply",
            Box::new(|| {
                let _ = Reply::ok().header("set-cookie", format!("{COOKIE}\n"));
            }),
        ),
        (
            "the name of a reply's header",
            Box::new(|| {
                let _ = Reply::ok().header(format!("set-cookie: {COOKIE}"), "1");
            }),
        ),
        (
            "no UTF-8",
            Box::new(|| {
                let mock = MockTransport::always(Reply::ok());
                let request = service::unmarked().with_body([BODY.as_bytes(), b"\xff"].concat());
                drop(ManualRuntime::new().block_on(mock.send(request)));
                let _ = mock.requests()[0].text();
            }),
        ),
        (
            "a wait for a server",
            Box::new(|| {
                let server = FaultServer::always(fault_server::Reply::ok(BODY));
                let server = server.wait_limit(Duration::from_millis(1));
                send(&server);
                server.wait_for_requests(100);
            }),
        ),
        (
            "a deadlock",
            Box::new(|| {
                let (runtime, secret) = (ManualRuntime::new(), TOKEN.to_owned());
                runtime.set_patience(Duration::ZERO);
                runtime.spawn(Box::pin(async move {
                    std::future::pending::<()>().await;
                    drop(secret);
                }));
                runtime.block_on(std::future::pending::<()>());
            }),
        ),
    ];
    let found: Vec<_> =
        cases.into_iter().filter_map(|(what, code)| leaks(what, &message(what, code))).collect();
    assert_nothing(&found);
}

fn send(server: &FaultServer) {
    let transport = ReqwestTransport::try_new().expect("reqwest works here");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = service::client(transport, DefaultRuntime::new()).base_url(server.url());
    let call = service::request(&client.build().expect("a client"), "/a").send();
    runtime.block_on(call).expect("a 200");
}

/// What it says is for the panic's own message, not for the error that all callers get.
#[tokio::test]
async fn a_source_of_tokens_that_panics_leaves_its_message_to_itself() {
    let cache = TokenCache::new(|| async { panic!("{TOKEN}") });
    let error = Error::from(cache.warm_up().await.unwrap_err());
    assert!(error.to_string().starts_with("the source of tokens panicked: "), "{error}");
    assert_eq!(leaks("the error", &format!("{error} {error:?} {cache:?}")), None);
}
