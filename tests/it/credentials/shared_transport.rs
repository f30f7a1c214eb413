//! The token endpoint behind the very transport that the calls use, with room for one exchange.

use midil_http_test::fault_server::{Gate, Reply as Answer};

use super::*;
use crate::support::whole::on_the_wire;

/// A server that gives tokens and takes calls, whose 401s have this body; a client and its credentials, both over one
/// transport that makes one exchange at a time.
fn one_at_a_time(rejection: Answer) -> (FaultServer, HttpClient, ClientCredentials, Oldest) {
    let (tokens, oldest) = (Tokens::default(), Oldest::default());
    let asked = oldest.clone();
    let server = FaultServer::respond_with(move |request| {
        if request.target() == "/token" {
            return Answer::ok(tokens.next());
        }
        match asked.status(request.header("authorization")) {
            200 => Answer::ok("hello"),
            _ => rejection.clone(),
        }
    });
    let transport = ReqwestTransport::builder().max_connections(1).build().expect("good settings");
    let time = ManualRuntime::new();
    tokio::spawn(time.run_tasks());
    let credentials =
        credentials(transport.clone(), &format!("{}/token", server.url()), time.clone());
    let client = HttpClient::builder(transport).base_url(server.url()).auth(credentials.clone());
    (server, client.runtime(time).build().expect("a good client"), credentials, oldest)
}

/// How many of the requests were for tokens.
fn fetches(server: &FaultServer) -> usize {
    server.requests().iter().filter(|request| request.target() == "/token").count()
}

#[test]
fn a_401_is_healed_where_its_own_connection_is_the_only_one() {
    on_the_wire(async {
        for body in [0, 1, 60 * 1024, 1024 * 1024] {
            for chunked in [false, true] {
                let content = vec![b'x'; body];
                let rejection = Answer::status(401);
                let rejection =
                    if chunked { rejection.chunked([content]) } else { rejection.body(content) };
                let (server, client, _, oldest) = one_at_a_time(rejection);
                assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "hello");
                oldest.set(2);
                let response = client.post("/").body("hello").send().await.unwrap();
                assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
                assert_eq!(response.text().await.unwrap(), "hello");
                assert_eq!((fetches(&server), server.request_count()), (2, 5), "{body} {chunked}");
            }
        }
    });
}

#[test]
fn many_at_once_are_healed_one_after_the_other() {
    on_the_wire(async {
        let (server, client, credentials, oldest) =
            one_at_a_time(Answer::status(401).body(vec![b'x'; 1024]));
        // Cold: the fetch and the calls want the same place.
        for (generation, calls) in [(1, 20), (2, 20), (3, 20)] {
            oldest.set(generation);
            let calls: Vec<_> = (0..calls)
                .map(|_| {
                    let call = client.get("/").send();
                    tokio::spawn(async { call.await?.text().await })
                })
                .collect();
            for call in calls {
                assert_eq!(call.await.unwrap().unwrap(), "hello");
            }
            assert_eq!(usize::try_from(credentials.status().generation), Ok(generation));
        }
        assert_eq!(fetches(&server), 3);
    });
}

/// A token that is renewed in the background waits for its place as everyone does, and nobody waits for it.
#[test]
fn a_refresh_waits_for_a_download_and_holds_nobody_up() {
    on_the_wire(async {
        let gate = Gate::new();
        let (tokens, held) = (Tokens::default(), gate.clone());
        let given = tokens.clone();
        let server = FaultServer::respond_with(move |request| match request.target() {
            "/token" => Answer::ok(tokens.next()),
            "/slow" => Answer::ok("hello").hold_body_after(2, &held),
            _ => Answer::ok("hello"),
        });
        let transport =
            ReqwestTransport::builder().max_connections(1).build().expect("good settings");
        let time = ManualRuntime::new();
        tokio::spawn(time.run_tasks());
        let credentials =
            credentials(transport.clone(), &format!("{}/token", server.url()), time.clone());
        let client =
            HttpClient::builder(transport).base_url(server.url()).auth(credentials.clone());
        let client = client.runtime(time.clone()).build().unwrap();
        credentials.warm_up().await.unwrap();
        time.advance(HOUR * 9 / 10);
        let slow = client.get("/slow").send().await.unwrap(); // it begins the refresh, and holds the only place
        assert!(credentials.status().valid);
        gate.open();
        assert_eq!(slow.text().await.unwrap(), "hello");
        assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "hello");
        crate::support::whole::until(|| given.given() == 2).await;
    });
}
