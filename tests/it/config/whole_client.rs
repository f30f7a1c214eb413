//! A whole client from one text: what it does on the wire.

use std::sync::atomic::{AtomicU32, Ordering};

use midil_http::{HttpConfig, client_from};
use midil_http_test::fault_server::{FaultServer, Reply};

use crate::support::build_error;

/// Of each backend that is built in.
fn backends() -> Vec<&'static str> {
    let all = [
        ("reqwest", cfg!(feature = "reqwest")),
        ("hyper", cfg!(feature = "hyper")),
        ("isahc", cfg!(feature = "isahc")),
    ];
    all.into_iter().filter_map(|(name, is_on)| is_on.then_some(name)).collect()
}

fn config(text: &str) -> HttpConfig {
    toml::from_str(text).unwrap_or_else(|error| panic!("{}", error.message()))
}

fn token() -> Reply {
    Reply::ok(r#"{"access_token":"t1","token_type":"Bearer","expires_in":3600}"#)
        .header("content-type", "application/json")
}

#[tokio::test]
async fn it_authenticates_retries_breaks_and_limits_over_any_backend() {
    for backend in backends() {
        let calls = AtomicU32::new(0);
        let server = FaultServer::respond_with(move |request| {
            if request.target() == "/oauth2/token" {
                return token();
            }
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 => Reply::status(503),
                1 => Reply::ok("hello"),
                _ => Reply::status(500),
            }
        });
        let config = config(&format!(
            r#"
            base_url = "{url}/v1"
            total_timeout = "30s"

            [transport]
            type = "{backend}"
            max_connections = 4
            proxy = "none"

            [retry]
            max_retries = 1
            backoff = {{ type = "fixed", delay = "1ms" }}

            [breaker]
            type = "consecutive"
            failure_threshold = 3

            [limits.bulkhead]
            max_in_flight = 2

            [auth]
            type = "cognito"
            domain = "{url}"
            client_id = "reports"
            client_secret = "hunter2"
            scopes = ["orders/read"]
            "#,
            url = server.url(),
        ));
        let client = client_from(&config).unwrap().build().unwrap();
        let response = client.get("/orders").send().await.unwrap();
        assert_eq!((response.attempts(), response.text().await.unwrap()), (2, "hello".to_owned()));
        let last = server.requests().pop().unwrap();
        assert_eq!(last.header("authorization").unwrap(), "Bearer t1", "{backend}");
        assert_eq!(last.target(), "/v1/orders");

        let kinds = [
            client.get("/a").send().await,
            client.get("/b").send().await,
            client.get("/c").send().await,
        ]
        .map(|outcome| outcome.unwrap_err().kind());
        // Two failures, a third, and the circuit is open.
        assert_eq!(kinds, ["RetryExhausted", "CircuitOpen", "CircuitOpen"], "{backend}");
    }
}

#[tokio::test]
async fn each_static_scheme_is_sent_from_wherever_its_secret_is() {
    let folder = std::env::temp_dir().join(format!("midil-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("secret");
    std::fs::write(&path, "from-a-file\n").unwrap();
    let file = format!("{{ file = {path:?} }}");
    for (auth, header, value) in [
        ("type = \"bearer\"\ntoken = \"hunter2\"".to_owned(), "authorization", "Bearer hunter2"),
        (format!("type = \"bearer\"\ntoken = {file}"), "authorization", "Bearer from-a-file"),
        (
            "type = \"basic\"\nusername = \"Aladdin\"\npassword = \"open sesame\"".to_owned(),
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            format!("type = \"api_key\"\nheader = \"x-api-key\"\nkey = {file}"),
            "x-api-key",
            "from-a-file",
        ),
    ] {
        let server = FaultServer::always(Reply::ok(""));
        let config = config(&format!("base_url = \"{}\"\n[auth]\n{auth}", server.url()));
        client_from(config).unwrap().build().unwrap().get("/").send().await.unwrap();
        assert_eq!(server.requests()[0].header(header).unwrap(), value);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Whoever renews the file of a token need not restart the service.
#[tokio::test]
async fn a_bearer_token_in_a_file_is_read_anew_after_a_401() {
    let path = std::env::temp_dir().join(format!("midil-config-token-{}", std::process::id()));
    std::fs::write(&path, "old").unwrap();
    let server = FaultServer::respond_with(|request| match request.header("authorization") {
        Some("Bearer new") => Reply::ok("hello"),
        Some("Bearer old") if request.target() == "/first" => Reply::ok("hello"),
        _ => Reply::status(401),
    });
    let text = format!(
        "base_url = {:?}\n[auth]\ntype = \"bearer\"\ntoken = {{ file = {path:?} }}",
        server.url()
    );
    let client = client_from(config(&text)).unwrap().build().unwrap();
    assert_eq!(client.get("/first").send().await.unwrap().status(), 200);
    std::fs::write(&path, "new").unwrap();
    assert_eq!(client.get("/second").send().await.unwrap().status(), 200);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn redirects_and_origins_are_as_configured() {
    let elsewhere = FaultServer::always(Reply::ok("elsewhere"));
    let target = elsewhere.url();
    let server =
        FaultServer::respond_with(move |_| Reply::status(302).header("location", target.as_str()));
    let status = |more: String| {
        let text = format!("base_url = {:?}\n{more}", server.url());
        let client = client_from(config(&text)).unwrap().build().unwrap();
        async move { client.get("/").send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status(String::new()).await, 302);
    assert_eq!(status("[redirects]\ntype = \"any\"".to_owned()).await, 200);
    assert_eq!(status(format!("allow_origins = [{:?}]", elsewhere.url())).await, 200);
    let none = format!("allow_origins = [{:?}]\n[redirects]\ntype = \"none\"", elsewhere.url());
    assert_eq!(status(none).await, 302);
}

#[test]
fn what_cannot_be_made_names_its_key_and_no_secret() {
    let fails = |text: &str| build_error(client_from(config(text)).map(drop));
    for (text, message) in [
        (
            "[transport]\nroot_certificates = [\"/no/such.pem\"]",
            "transport.root_certificates: the file /no/such.pem cannot be read: check",
        ),
        (
            "[transport]\nclient_key = \"/no/such.pem\"",
            "transport.client_key is set without client_certificate: give both",
        ),
        (
            "[transport]\nno_proxy = [\"a.test\"]",
            "transport.no_proxy is set without a proxy: set proxy",
        ),
        (
            "[transport]\nproxy = \"socks5://p.test\"",
            "transport.proxy cannot be \"socks5://p.test\": only proxies over plain http",
        ),
        (
            "[transport]\nproxy = \"p.test\"\nproxy_password = { env = \"MIDIL_NO_SUCH\" }",
            "transport.proxy_password: the variable MIDIL_NO_SUCH is not set",
        ),
        ("[retry.budget]\ncapacity = 0", "retry.budget.capacity is 0"),
        ("[retry.backoff]\ntype = \"exponential_with_jitter\"\njitter = 7", "retry.backoff."),
        (
            "[breaker]\ntype = \"ratio\"\nfailure_ratio = 3",
            "breaker.failure_ratio is 3: give a part above 0",
        ),
        ("[limits.hedge]\nmax_hedges = 50", "limits.hedge.max_hedges is 50: give a number from 1"),
        (
            "[limits.rate_limit]\ncalls = 5\nper = \"48h\"",
            "limits.rate_limit.per is 172800s: give a duration",
        ),
        (
            "[auth]\ntype = \"bearer\"\ntoken = \"hunter2\\n\"",
            "auth: the token of StaticToken has white space around it",
        ),
        (
            "[auth]\ntype = \"bearer\"\ntoken = { env = \"MIDIL_NO_SUCH\" }",
            "auth.token: the variable MIDIL_NO_SUCH is not set",
        ),
        (
            "[auth]\ntype = \"basic\"\npassword = { file = \"/no/such\" }",
            "auth.password: the file /no/such cannot be read",
        ),
        (
            "[auth]\ntype = \"client_credentials\"\ntoken_url = \"http://a.test/t\"\nclient_id = \"a\"\nclient_secret = \"hunter2\"",
            "auth.token_url ",
        ),
        (
            "[auth]\ntype = \"api_key\"\nheader = \"host\"\nkey = \"hunter2\"",
            "auth: the header of ApiKey cannot be host",
        ),
    ] {
        let error = fails(text);
        assert!(error.starts_with(message) && !error.contains("hunter2"), "{error}\n{message}");
    }
}

#[test]
fn a_backend_that_is_not_built_in_is_named_with_its_feature() {
    for backend in ["reqwest", "hyper", "isahc"] {
        let outcome = client_from(config(&format!("[transport]\ntype = \"{backend}\"")));
        if backends().contains(&backend) {
            assert!(outcome.is_ok(), "{outcome:?}");
        } else {
            let expected = format!(
                "transport.type is \"{backend}\", but midil-http was built without its feature `{backend}`: add it"
            );
            assert_eq!(build_error(outcome.map(drop)), expected);
        }
    }
}

#[test]
fn what_is_said_of_the_connection_reaches_the_transport() {
    let config = config(
        "[transport]\nproxy = \"p.test:3128\"\nproxy_username = \"ada\"\nproxy_password = \"hunter2\"\nno_proxy = [\"a.test\"]\nprotocol = \"http1\"\ntcp_keepalive = 0\nuser_agent = \"reports/1\"\nlocal_address = \"127.0.0.1\"",
    );
    let settings = config.transport().settings().unwrap();
    let matcher = settings.proxy.matcher().unwrap();
    assert!(matcher.proxy_for(&"https://a.test/".parse().unwrap()).is_none());
    let proxy = matcher.proxy_for(&"https://b.test/".parse().unwrap()).unwrap();
    assert_eq!(
        proxy.credentials().map(|(user, password)| (user, password.expose())),
        Some(("ada", "hunter2"))
    );
    assert_eq!(settings.protocol, midil_http::Protocol::Http1);
    assert_eq!(
        (settings.tcp_keepalive, settings.user_agent.unwrap()),
        (None, "reports/1".parse().unwrap())
    );
}
