//! Settings, as the server sees what they come to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use http::HeaderValue;
use midil_http_core::{Sent, TransportErrorKind, TransportSettings};
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{exchange, get, run, transport, verdict};

#[test]
fn a_request_without_a_user_agent_gets_that_of_the_settings_or_none() {
    let ours = HeaderValue::from_static("ours/1.0");
    let set = || ReqwestTransport::builder().user_agent("ours/1.0");
    run(async {
        let theirs = || reqwest::Client::builder().user_agent("theirs/1.0");
        let mut settings = TransportSettings::default();
        let left_open = ReqwestTransport::try_from((theirs(), settings.clone())).unwrap();
        settings.user_agent = Some(ours.clone());
        let won = ReqwestTransport::try_from((theirs(), settings)).unwrap();
        for (transport, sent) in [
            (transport(), None),
            (set().build().unwrap(), Some("ours/1.0")),
            (left_open, Some("theirs/1.0")),
            (won, Some("ours/1.0")),
        ] {
            let server = FaultServer::always(Reply::ok(""));
            exchange(&transport, get(&server.url())).await.unwrap();
            let mut own = get(&server.url());
            own.headers_mut().insert("user-agent", HeaderValue::from_static("own"));
            exchange(&transport, own).await.unwrap();
            let requests = server.requests();
            assert_eq!(requests[0].header("user-agent"), sent);
            assert_eq!(Vec::from_iter(requests[1].headers_named("user-agent")), ["own"]);
        }
    });
}

#[test]
fn a_user_agent_that_no_header_can_hold_is_named_when_the_transport_is_built() {
    for value in ["ours\r\nx-evil: 1", "\0"] {
        let built = ReqwestTransport::builder().user_agent(value).no_tcp_keepalive().build();
        let error = built.unwrap_err().to_string();
        assert!(error.starts_with("user_agent cannot be sent: "), "{error}");
    }
}

/// Who called, as the server says.
#[cfg(target_os = "linux")]
#[test]
fn connections_are_made_from_the_local_address() {
    const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut settings = TransportSettings::default();
        settings.local_address = Some(OURS);
        for transport in [
            ReqwestTransport::builder().local_address(OURS).build().unwrap(),
            ReqwestTransport::try_from((reqwest::Client::builder(), settings)).unwrap(),
        ] {
            let call = exchange(&transport, get(&url));
            let (_, accepted) = futures_util::future::join(
                async { tokio::time::timeout(Duration::from_secs(10), call).await.unwrap() },
                async {
                    let (stream, caller) = listener.accept().await.unwrap();
                    drop(stream);
                    caller
                },
            )
            .await;
            assert_eq!(accepted.ip(), OURS);
        }
    });
}

/// Rather no connection than one from elsewhere.
#[test]
fn a_server_of_the_other_family_is_not_reached_from_a_local_address() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let ours = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let transport = ReqwestTransport::builder().local_address(ours).build().unwrap();
        let error = exchange(&transport, get(&server.url())).await.unwrap_err();
        assert_eq!(verdict(&error), (TransportErrorKind::Connect, Sent::No), "{error:?}");
        assert_eq!(server.connections(), 0);
    });
}

/// When the system will ask the server at `port` whether it is still there; `None` for never.
#[cfg(target_os = "linux")]
fn keepalive_timer(port: u16) -> Option<Duration> {
    const ESTABLISHED: &str = "01";
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let ours = table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_ours = fields[2].ends_with(&format!(":{port:04X}")) && fields[3] == ESTABLISHED;
        is_ours.then(|| fields[5].to_owned())
    });
    // Which timer runs (2: this one), and its hundredths of a second.
    let ours = ours.expect("there is a connection");
    let (timer, left) = ours.split_once(':').unwrap();
    (timer == "02").then(|| Duration::from_millis(u64::from_str_radix(left, 16).unwrap() * 10))
}

#[cfg(target_os = "linux")]
#[test]
fn idle_connections_are_asked_for_as_set_or_not_at_all() {
    let set = |interval| ReqwestTransport::builder().tcp_keepalive(interval).build().unwrap();
    let seconds = |count| Some(Duration::from_secs(count));
    let off = reqwest::Client::builder().tcp_keepalive(None);
    let won = ReqwestTransport::try_from((off, TransportSettings::default())).unwrap();
    run(async {
        for (transport, asked) in [
            (transport(), seconds(15)),
            (set(Duration::from_secs(100)), seconds(100)),
            (set(Duration::from_millis(1)), seconds(1)),
            (set(Duration::MAX), seconds(32_767)),
            (ReqwestTransport::builder().no_tcp_keepalive().build().unwrap(), None),
            (won, seconds(15)),
        ] {
            let server = FaultServer::always(Reply::ok(""));
            exchange(&transport, get(&server.url())).await.unwrap();
            let timer = keepalive_timer(server.address().port());
            assert_eq!(timer.is_some(), asked.is_some(), "{asked:?}");
            if let (Some(timer), Some(asked)) = (timer, asked) {
                // It has been running for a little while.
                assert!(timer <= asked && timer > asked.mul_f64(0.5), "{timer:?} of {asked:?}");
            }
        }
    });
}

#[test]
fn zero_is_refused() {
    let zero = ReqwestTransport::builder().tcp_keepalive(Duration::ZERO).build().unwrap_err();
    assert!(zero.to_string().starts_with("tcp_keepalive "), "{zero}");
}

#[cfg(not(feature = "http2"))]
#[test]
fn prior_knowledge_without_http2_names_the_feature() {
    let error = ReqwestTransport::builder()
        .protocol(midil_http_core::Protocol::Http2PriorKnowledge)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("feature `http2`"), "{error}");
}
