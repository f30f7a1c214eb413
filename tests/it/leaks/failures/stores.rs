//! Stores that cannot be made, are down, or hold what is none of ours.

use std::net::SocketAddr;
use std::time::Duration;

use midil_http::*;
use midil_http_test::fault_server::FaultServer;
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::secrets::*;
use super::super::service;
use super::Failure;

pub(in super::super) async fn all() -> Vec<Failure> {
    let userinfo = format!("{}:{}@", percent_encoded(USER), percent_encoded(PASSWORD));
    let mut failures = Vec::new();
    for url in [
        format!("redis://{userinfo}exa mple"),
        format!("redis://{userinfo}[::1"),
        format!("redis://{userinfo}host:port"),
        format!("redis://{userinfo}host/database?token={}", form_encoded(QUERY)),
        format!("redis://{userinfo}host/0?token={}#{FRAGMENT}", form_encoded(QUERY)),
        format!("http://{userinfo}host"),
        format!("unix://{userinfo}"),
        format!("redis:{userinfo}"),
        format!("{userinfo}host"),
        format!("//{userinfo}host"),
        PASSWORD.to_owned(),
    ] {
        let made = RedisTokenStore::try_new(&url).map_err(Error::from);
        failures.extend(made.err().map(|error| (url, error)));
    }
    // Nobody listens; somebody does who is no Redis, and repeats what it is told.
    let refusing = FaultServer::refusing();
    for address in [refusing.address(), chatty().await] {
        let store = RedisTokenStore::try_new(&format!("redis://{userinfo}{address}/0"));
        let store = store.expect("a good URL").with_prefix("test:");
        let note = |what: &str, error: BoxError| (what.to_owned(), Error::custom(error));
        failures.extend(store.load("name").await.err().map(|error| note("load", error)));
        let saved = store.save("name", TOKEN.as_bytes(), Duration::from_secs(60)).await;
        failures.extend(saved.err().map(|error| note("save", error)));
        // The fetch goes on without it, and says so in the log.
        let runtime = ManualRuntime::new();
        tokio::spawn(runtime.run_tasks());
        let answer = format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#);
        let endpoint = MockTransport::always(Reply::ok().body(answer));
        let credentials = service::credentials(endpoint, ClientAuthMethod::Basic, &runtime);
        let credentials = credentials.store(store).build().expect("good settings");
        credentials.warm_up().await.expect("a token of its own");
    }
    failures
}

/// A server that takes the password, and refuses all else with a message that repeats it.
async fn chatty() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut told = vec![0; 4096];
            tokio::spawn(async move {
                while let Ok(length @ 1..) = stream.read(&mut told).await {
                    let is_login = told[..length].windows(4).any(|word| word == b"AUTH");
                    let refusal = format!("-ERR no {USER} with {PASSWORD}\r\n");
                    let answer = if is_login { "+OK\r\n" } else { &refusal };
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            });
        }
    });
    address
}
