mod commands;
mod tls;

use std::sync::mpsc;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const PASSWORD: &str = "hunter2%2F";

#[test]
fn urls_that_cannot_be_are_refused_and_not_repeated() {
    for (url, problem) in [
        ("hunter2", "is no URL"),
        ("http://u:hunter2@redis", "is not of scheme redis or rediss"),
        ("unix:///hunter2", "is not of scheme redis or rediss"),
        ("redis:///0", "names no host"),
        ("rediss://two%20words", "no certificate can name"),
        ("redis://:hunter2@redis:99999", "is no URL"),
        ("redis://:hunter2@redis/name", "cannot be used"),
        ("redis://:hunter2%FF@redis", "cannot be used"),
        ("redis://redis?protocol=hunter2", "has a query or a fragment"),
        ("rediss://u:hunter2@redis/#insecure", "has a query or a fragment"),
    ] {
        let error = RedisTokenStore::try_new(url).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(problem), "{url}: {text}");
        assert!(!text.contains("hunter2"), "{url}: {text}");
    }
}

#[test]
fn debug_shows_the_host_and_no_credentials() {
    for (scheme, tls) in [("redis", false), ("valkey", false), ("rediss", true), ("valkeys", true)]
    {
        let url = format!("{scheme}://ada:{PASSWORD}@redis.internal:7000/3");
        let text = format!("{:?}", RedisTokenStore::try_new(&url).unwrap());
        assert!(text.contains("redis.internal") && text.contains("7000"), "{text}");
        assert!(text.contains(&format!("tls: {tls}")), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("ada"), "{text}");
    }
}

#[test]
fn a_host_may_be_an_address() {
    for (url, host) in [("redis://127.0.0.1", "\"127.0.0.1\""), ("rediss://[::1]", "\"::1\"")] {
        let text = format!("{:?}", RedisTokenStore::try_new(url).unwrap());
        assert!(text.contains(&format!("host: {host}, port: 6379")), "{text}");
    }
}

#[test]
fn outside_tokio_every_call_is_an_error() {
    let store = RedisTokenStore::try_new("redis://127.0.0.1").unwrap();
    let error = store.load("name").now_or_never().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "Redis needs a tokio runtime, and none is current");
}

#[test]
fn a_tokio_without_io_is_an_error() {
    let store = RedisTokenStore::try_new("redis://127.0.0.1").unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = tokio.block_on(store.load("name")).unwrap_err();
    assert!(error.to_string().contains("has no I/O"), "{error}");
}

#[test]
fn durations_are_what_redis_takes() {
    assert_eq!(milliseconds(Duration::ZERO), 0);
    assert_eq!(milliseconds(Duration::from_millis(1500)), 1500);
    assert_eq!(milliseconds(Duration::MAX), 315_360_000_000);
}

/// Where a server may listen.
async fn server() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    (url, listener)
}

/// Answers what comes in one piece with one answer.
async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &str) -> String {
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[tokio::test]
async fn an_error_of_the_server_repeats_no_secret() {
    for (says, told) in [
        ("-ERR unknown command 'EVAL', with args beginning with: 'hunter2'\r\n", "answered ERR"),
        ("-NOPERM User hunter2 has no permissions to run the 'eval' command\r\n", "the rights"),
        ("-MOVED 3999 127.0.0.1:6381\r\n", "is a cluster"),
        ("-HUNT hunter2\r\n", "answered HUNT"),
        ("+OK\r\n", "what the command cannot"),
        ("hunter2\r\n", ""),
    ] {
        let (url, listener) = server().await;
        let store = RedisTokenStore::try_new(&url).unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, says).await;
            stream
        };
        let (outcome, _open) = futures_util::join!(store.load("name"), serve);
        let text = outcome.unwrap_err().to_string();
        println!("{text}");
        assert!(text.contains(told) && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_anew_within_the_call() {
    let (url, listener) = server().await;
    let store = RedisTokenStore::try_new(&url).unwrap();
    let serve = async {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let asked = answer(&mut stream, "$-1\r\n").await;
            assert!(asked.contains("EVAL") && asked.contains("midil:token:name"), "{asked}");
        }
    };
    let ask = async {
        assert!(store.load("name").await.unwrap().is_none());
        assert!(store.load("name").await.unwrap().is_none());
    };
    futures_util::join!(serve, ask);
}

#[tokio::test]
async fn a_server_that_nobody_listens_for_is_an_error() {
    let (url, listener) = server().await;
    drop(listener);
    let error = RedisTokenStore::try_new(&url).unwrap().load("name").await.unwrap_err();
    assert!(error.to_string().starts_with("Redis could not connect: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_greets_is_given_up() {
    let (url, _listener) = server().await;
    let url = url.replace("redis://", "redis://:hunter2@");
    let error = RedisTokenStore::try_new(&url).unwrap().load("name").await.unwrap_err();
    assert_eq!(error.to_string(), "Redis could not connect within 5s");
}

#[tokio::test]
async fn a_call_that_was_given_up_takes_its_connection_with_it() {
    let (url, listener) = server().await;
    let store = RedisTokenStore::try_new(&url).unwrap().with_prefix("mine:");
    // The first connection never answers.
    let call = store.load("name");
    let silent = async { listener.accept().await.unwrap().0 };
    let mut silent = match futures_util::future::select(call, Box::pin(silent)).await {
        futures_util::future::Either::Left(_) => panic!("nobody answered"),
        futures_util::future::Either::Right((mut stream, call)) => {
            // Given up when the question had arrived.
            let mut call = call;
            let mut one = [0];
            tokio::select! { _ = &mut call => panic!(), read = stream.read(&mut one) => read.unwrap() };
            stream
        }
    };
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(answer(&mut stream, "$-1\r\n").await.contains("mine:name"));
    };
    let (found, ()) = futures_util::join!(store.load("name"), serve);
    assert!(found.unwrap().is_none());
    // The silent one is closed.
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
}

#[test]
fn a_runtime_that_ended_is_followed_by_the_next() {
    let (sender, receiver) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        sender.send(listener.local_addr().unwrap()).unwrap();
        for _ in 0..2 {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(b"$-1\r\n").unwrap();
        }
    });
    let store = RedisTokenStore::try_new(&format!("redis://{}", receiver.recv().unwrap())).unwrap();
    for _ in 0..2 {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        assert!(tokio.block_on(store.load("name")).unwrap().is_none());
    }
    server.join().unwrap();
}

/// A runtime that somebody keeps and nobody drives: a connection that was begun there never comes about.
#[test]
fn a_runtime_that_nobody_drives_does_not_keep_the_store_from_the_others() {
    let (sender, receiver) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        sender.send(listener.local_addr().unwrap()).unwrap();
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"$-1\r\n").unwrap();
    });
    let store = RedisTokenStore::try_new(&format!("redis://{}", receiver.recv().unwrap())).unwrap();
    let tokio = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let idle = tokio();
    assert!(idle.block_on(async { store.load("name").now_or_never() }).is_none());
    tokio().block_on(async {
        assert!(store.load("name").now_or_never().is_none(), "it may still come about");
        tokio::time::pause();
        tokio::time::advance(link::CONNECT_TIMEOUT).await;
        tokio::time::resume();
        let asked = tokio::time::timeout(Duration::from_secs(20), store.load("name"));
        assert!(asked.await.expect("another connection").unwrap().is_none());
    });
    drop(idle);
    server.join().unwrap();
}
