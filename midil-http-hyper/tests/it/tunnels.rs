//! Tunnels that proxies would not make: what of that is told.

use midil_http_core::Sent;
use midil_http_core::TransportErrorKind::Connect;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::proxy::{CREDENTIALS, through};
use super::support::{exchange, get, rendered, run, verdict};

#[test]
fn a_tunnel_that_is_refused_names_the_status() {
    run(async {
        for status in [407, 403, 502] {
            let proxy = FaultServer::always(Reply::status(status).body("hunter2"));
            let agent = http::HeaderValue::from_static("midil/1");
            let transport = through(&proxy).user_agent(agent).build().unwrap();
            let url = "https://service.test/users?token=hunter2";
            let error = exchange(&transport, get(url)).await.unwrap_err();
            assert_eq!(verdict(&error), (Connect, Sent::No));
            let text = rendered(&error);
            assert!(text.contains(&status.to_string()) && !text.contains("hunter2"), "{text}");
            let seen = &proxy.requests()[0];
            assert_eq!((seen.method(), seen.target()), ("CONNECT", "service.test:443"));
            assert_eq!(seen.header("host"), Some("service.test:443"));
            assert_eq!(seen.header("proxy-authorization"), Some(CREDENTIALS));
            assert_eq!(seen.header("user-agent"), Some("midil/1"));
            assert_eq!(proxy.request_count(), 1);
        }
    });
}

#[test]
fn a_proxy_that_breaks_off_is_no_connection() {
    run(async {
        for reply in [Reply::close_before_head(), Reply::reset_before_head(), Reply::garbage()] {
            let proxy = FaultServer::always(reply);
            let transport = through(&proxy).build().unwrap();
            let error = exchange(&transport, get("https://service.test/")).await.unwrap_err();
            assert_eq!(verdict(&error), (Connect, Sent::No));
        }
    });
}
