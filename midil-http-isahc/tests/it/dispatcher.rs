//! What becomes of isahc's thread, and of secrets, under dispatchers of `tracing`. The global one can be set once: so each test
//! runs in a process of its own.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use futures_executor::block_on;
use futures_util::FutureExt as _;
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{FaultServer, Reply};
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::support::{child, get, is_child, outcome, pieces, post, transport};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Everything, at every level, in the whole process.
    fn of_the_process() -> Self {
        let log = Self::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(log.clone());
        // No filter: then a dispatcher is not asked before a span is made.
        tracing_subscriber::registry().with(layer).init();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Ends the thread of a bare client: an exchange under a dispatcher that its thread does not know.
///
/// Once a transport of ours is there, which wants no spans, `tracing` asks before it makes one, and the bare client is
/// spared, too.
fn end_the_thread_of(client: &isahc::HttpClient, url: &str) {
    let send = || block_on(client.get_async(url)).is_ok();
    // What is first met under the one dispatcher that there is, is believed to be always wanted.
    assert!(send());
    let outcome = catch_unwind(AssertUnwindSafe(|| with_default(&Dispatch::none(), send)));
    assert!(!outcome.unwrap_or(false), "the trap is gone");
    // From then on curl's callbacks do nothing, and with the next request the thread ends. Nobody waits for that request: if
    // the thread ends before it looks, isahc never answers.
    let begin = || client.get_async(url).now_or_never().is_some_and(|head| head.is_ok());
    assert!(!catch_unwind(AssertUnwindSafe(begin)).unwrap_or(false));
    while threads().iter().any(|name| name.starts_with("isahc-agent")) {
        std::thread::yield_now();
    }
}

/// The names of this program's threads.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect()
}

#[test]
fn any_dispatcher_will_do() {
    if !is_child() {
        return child("dispatcher::any_dispatcher_will_do", &[]);
    }
    Log::of_the_process();
    let server = FaultServer::always(Reply::ok("hello"));
    let client = isahc::HttpClient::new().unwrap();
    end_the_thread_of(&client, &server.url());
    std::mem::forget(client); // it panics when it is dropped

    let transport = transport();
    let send = || {
        for sending in [get, |url: &str| post(url, pieces())] {
            assert_eq!(block_on(outcome(&transport, sending(&server.url()))), "200 hello");
        }
    };
    send();
    with_default(&Dispatch::none(), send);
    tracing::subscriber::with_default(
        tracing_subscriber::fmt().with_writer(Log::default()).finish(),
        send,
    );
    send();
}

#[test]
fn a_thread_that_has_ended_is_an_error_not_a_hang() {
    if !is_child() {
        return child("dispatcher::a_thread_that_has_ended_is_an_error_not_a_hang", &[]);
    }
    Log::of_the_process();
    let server = FaultServer::always(Reply::ok("hello"));
    let client = isahc::HttpClient::new().unwrap();
    let transport = IsahcTransport::from(client.clone());
    end_the_thread_of(&client, &server.url());
    for _ in 0..3 {
        // Nothing was sent: a retry may follow, whatever the method.
        assert_eq!(block_on(outcome(&transport, get(&server.url()))), "head: Other, No");
    }
    std::mem::forget(client); // it panics when it is dropped
    drop(transport);
}

#[test]
fn no_secret_is_logged() {
    if !is_child() {
        return child("dispatcher::no_secret_is_logged", &[]);
    }
    let log = Log::of_the_process();
    let server = FaultServer::sequence([
        Reply::ok("hunter2").header("set-cookie", "hunter2"),
        Reply::ok("hunter2"),
        Reply::close_before_head(),
    ]);
    let transport = transport();
    for sending in [get, |url: &str| post(url, "hunter2"), get] {
        let mut request = sending(&format!("{}/?token=hunter2", server.url()));
        request.headers_mut().insert("authorization", "Bearer hunter2".parse().unwrap());
        block_on(outcome(&transport, request));
    }
    assert!(server.request_count() >= 3);
    let log = log.text();
    assert!(log.contains("isahc"), "nothing was logged at all: {log}");
    assert!(!log.contains("hunter2"), "{log}");
}
