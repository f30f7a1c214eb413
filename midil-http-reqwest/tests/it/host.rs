//! The `Host` of requests.

use midil_http_core::Transport;
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, Received, Reply};

use super::support::{exchange, get, post, run, transport};

fn hosts(received: &Received) -> Vec<&str> {
    received.headers_named("host").collect()
}

#[test]
fn each_server_is_named_by_turns_and_the_caller_has_the_last_word() {
    run(async {
        let (one, other) =
            (FaultServer::always(Reply::ok("one")), FaultServer::always(Reply::ok("other")));
        let transport = transport();
        for server in [&one, &other, &one, &one, &other] {
            exchange(&transport, get(&server.url())).await.unwrap();
            exchange(&transport, post(&server.url(), "bytes")).await.unwrap();
            let mut chosen = get(&server.url());
            chosen.headers_mut().insert("host", "api.example.com".parse().unwrap());
            exchange(&transport, chosen).await.unwrap();
        }
        for (server, turns) in [(one, 3), (other, 2)] {
            let address = server.address().to_string();
            let (requests, own) = (server.requests(), [&*address]);
            let expected = [own, own, ["api.example.com"]].into_iter().cycle();
            assert!(requests.iter().map(hosts).eq(expected.take(3 * turns)), "{requests:?}");
        }
    });
}

#[test]
fn that_of_a_builder_stays() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let host = (http::header::HOST, "api.example.com".parse().unwrap());
        let builder = reqwest::Client::builder().default_headers([host].into_iter().collect());
        let transport = ReqwestTransport::try_from(builder).unwrap();
        transport.send(get(&server.url())).await.unwrap();
        assert_eq!(hosts(&server.requests()[0]), ["api.example.com"]);
    });
}

#[cfg(feature = "http2")]
#[test]
fn over_http2_there_is_none() {
    use midil_http_core::Protocol;
    use midil_http_test::fault_server::{Http2Reply, Http2Server};

    run(async {
        let ours = ReqwestTransport::builder().protocol(Protocol::Http2PriorKnowledge).build();
        let builder = reqwest::Client::builder().http2_prior_knowledge();
        for transport in [ours.unwrap(), ReqwestTransport::try_from(builder).unwrap()] {
            let server = Http2Server::start([Http2Reply::ok("hello")]);
            exchange(&transport, get(&server.url())).await.unwrap();
            let request = server.requests().remove(0);
            assert_eq!(request.header(":authority"), Some(&*server.address().to_string()));
            assert!(hosts(&request).is_empty());
        }
    });
}

/// Both arrive: reqwest writes the `:authority` by the URL, and takes no other.
#[cfg(feature = "http2")]
#[test]
fn over_http2_that_of_the_caller_is_beside_the_authority() {
    use midil_http_core::Protocol;
    use midil_http_test::fault_server::{Http2Reply, Http2Server};

    run(async {
        let transport = ReqwestTransport::builder().protocol(Protocol::Http2PriorKnowledge);
        let server = Http2Server::start([Http2Reply::ok("hello")]);
        let mut request = get(&server.url());
        request.headers_mut().insert("host", "api.example.com".parse().unwrap());
        exchange(&transport.build().unwrap(), request).await.unwrap();
        let request = server.requests().remove(0);
        assert_eq!(request.header(":authority"), Some(&*server.address().to_string()));
        assert_eq!(hosts(&request), ["api.example.com"]);
    });
}
