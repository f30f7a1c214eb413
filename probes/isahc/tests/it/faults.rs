//! The same faults through both stacks: what they are taken for, and how often the server saw the request.

use std::sync::Arc;

use midil_http_core::Transport;
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{Cut, FaultServer, OnConnect, Reply, Script};
use midil_isahc_probe::IsahcTransport;

use super::support::{Sending, outcome, run};

struct Fault {
    name: &'static str,
    script: Script,
    /// What is expected of every stack.
    expected: &'static str,
    /// What isahc comes to, where that differs.
    isahc: Option<&'static str>,
}

fn fault(name: &'static str, script: impl Into<Script>, expected: &'static str) -> Fault {
    Fault { name, script: script.into(), expected, isahc: None }
}

impl Fault {
    /// curl hands the head over with the first byte of the body, or at the end; and it takes a connection that ends
    /// inside the head for a response that is over.
    fn but_isahc(self, outcome: &'static str) -> Self {
        Self { isahc: Some(outcome), ..self }
    }
}

fn faults() -> Vec<Fault> {
    let chunks = || Reply::ok("").chunked(["one", "two"]);
    let hello = || Reply::ok("hello");
    let unframed = |body: &str| Reply::raw(format!("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{body}"));
    let redirect = |status| Reply::status(status).header("location", "/elsewhere");
    let (closed, reset) = ("head: Closed, Maybe", "head: Reset, Maybe");
    let (cut, torn) = ("body: Closed, Maybe", "body: Reset, Maybe");
    vec![
        fault("none", hello(), "200 hello"),
        fault("closed before the head", Reply::close_before_head(), closed),
        fault("reset before the head", Reply::reset_before_head(), reset),
        fault("garbage", Reply::garbage(), "head: Protocol, Maybe"),
        fault("closed in the head", hello().cut_head_after(20, Cut::Close), closed).but_isahc(cut),
        fault("reset in the head", hello().cut_head_after(20, Cut::Reset), reset),
        fault("closed after the head", hello().cut_body_after(0, Cut::Close), cut)
            .but_isahc(closed),
        fault("reset after the head", hello().cut_body_after(0, Cut::Reset), torn).but_isahc(reset),
        fault("closed in the body", hello().cut_body_after(2, Cut::Close), cut),
        fault("reset in the body", hello().cut_body_after(2, Cut::Reset), torn),
        fault("shorter than its length", hello().content_length(100), cut),
        fault("closed in a chunk", chunks().cut_body_after(4, Cut::Close), cut),
        fault("closed between chunks", chunks().cut_body_after(3, Cut::Close), cut),
        fault("no framing, a body", unframed("hi"), "200 hi"),
        fault("no framing, no body", unframed(""), "200").but_isahc(cut),
        fault("trailers", chunks().trailer("x-count", "2"), "200 onetwo + trailers"),
        fault("a redirect", redirect(302), "302"),
        fault("a redirect that drops the body", redirect(303), "303"),
        fault("401", Reply::status(401).header("www-authenticate", "Basic"), "401"),
        fault("413 unread", Reply::status(413).body("no").before_body().close(), "413 no"),
    ]
}

fn stacks() -> [(&'static str, Arc<dyn Transport>); 2] {
    [
        ("reqwest", Arc::new(ReqwestTransport::try_new().expect("reqwest"))),
        ("isahc", Arc::new(IsahcTransport::try_new().expect("isahc"))),
    ]
}

/// One exchange per call and stack, and the same verdict.
#[test]
fn every_fault_over_both_stacks() {
    println!(
        "| fault | request | stack | outcome | requests | connections |\n|---|---|---|---|---|---|"
    );
    run(async {
        for sending in Sending::ALL {
            for (name, stack) in stacks() {
                for Fault { name: fault, script, expected, isahc } in faults() {
                    let server = FaultServer::start(script);
                    let outcome = outcome(&*stack, sending.request(&server.url())).await;
                    let seen = (server.request_count(), server.connections());
                    println!(
                        "| {fault} | {sending:?} | {name} | {outcome} | {} | {} |",
                        seen.0, seen.1
                    );
                    let expected = isahc.filter(|_| name == "isahc").unwrap_or(expected);
                    assert_eq!(
                        (outcome.as_str(), seen),
                        (expected, (1, 1)),
                        "{fault}, {name}, {sending:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn what_never_left_was_not_sent() {
    run(async {
        let port = FaultServer::refusing();
        for (name, stack) in stacks() {
            for sending in Sending::ALL {
                let outcome = outcome(&*stack, sending.request(&port.url())).await;
                assert_eq!(outcome, "head: Connect, No", "{name}, {sending:?}");
            }
        }
    });
}

/// hyper can tell that nothing was written yet, curl cannot; for hyper it is a matter of luck, too.
#[test]
fn a_connection_that_is_closed_at_once() {
    run(async {
        for (name, stack) in stacks() {
            for sending in Sending::ALL {
                let script = Script::always(Reply::ok("")).on_connect([OnConnect::Close]);
                let server = FaultServer::start(script);
                let outcome = outcome(&*stack, sending.request(&server.url())).await;
                assert!(outcome.starts_with("head: Closed, "), "{name}, {sending:?}: {outcome}");
            }
        }
    });
}
