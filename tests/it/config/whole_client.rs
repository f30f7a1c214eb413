//! A whole client from one text: what it does on the wire.

use std::sync::atomic::{AtomicU32, Ordering};

use midil_http::{
    BackendKind, Error, HttpClientBuilder, HttpConfig, TransportConfig, TransportErrorKind,
    client_from,
};
use midil_http_test::fault_server::{FaultServer, Reply, Script, Tls};

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

/// What is configured of credentials is what the authorization server is asked.
#[tokio::test]
async fn a_token_is_asked_for_as_it_is_configured() {
    for (auth, fields, basic) in [
        (
            "type = \"client_credentials\"\nscopes = [\"a\", \"b\"]\naudience = \"https://orders\"\nresources = [\"https://r1\", \"https://r2\"]\nparameters = { tenant = \"17\" }\nauth_method = \"post\"",
            &[
                "audience=https://orders",
                "client_id=reports",
                "client_secret=hunter2",
                "grant_type=client_credentials",
                "resource=https://r1",
                "resource=https://r2",
                "scope=a b",
                "tenant=17",
            ][..],
            false,
        ),
        (
            "type = \"cognito\"\nscopes = [\"a\"]\naws_client_metadata = { region = \"eu\" }",
            &[
                "aws_client_metadata={\"region\":\"eu\"}",
                "grant_type=client_credentials",
                "scope=a",
            ],
            true,
        ),
    ] {
        let server = FaultServer::respond_with(|request| match request.target() {
            "/token" => token(),
            _ => Reply::ok("hello"),
        });
        let text = format!(
            "base_url = {url:?}\n[auth]\nclient_id = \"reports\"\nclient_secret = \"hunter2\"\ntoken_url = \"{url}/token\"\n{auth}",
            url = server.url()
        );
        let client = client_from(config(&text)).unwrap().build().unwrap();
        client.get("/").send().await.unwrap();
        let asked = server.requests().remove(0);
        let body = asked.body().to_vec();
        let mut pairs: Vec<_> = url::form_urlencoded::parse(&body)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.sort_unstable();
        assert_eq!(pairs, fields);
        assert_eq!(asked.header("authorization").is_some(), basic);
    }
}

/// Two clients of one configuration share nothing that is stateful: neither tokens nor circuits.
#[tokio::test]
async fn two_clients_of_a_configuration_share_nothing() {
    let server = FaultServer::respond_with(|request| match request.target() {
        "/token" => token(),
        _ => Reply::status(503),
    });
    let text = format!(
        "base_url = {url:?}\nmax_retries = 0\nbreaker_threshold = 1\n[auth]\ntype = \"client_credentials\"\nclient_id = \"reports\"\nclient_secret = \"hunter2\"\ntoken_url = \"{url}/token\"",
        url = server.url()
    );
    let config = config(&text);
    let (one, other) = [(); 2].map(|()| client_from(&config).unwrap().build().unwrap()).into();
    let kind = |client: midil_http::HttpClient| async move {
        client.get("/").send().await.unwrap_err().kind()
    };
    assert_eq!(kind(one.clone()).await, "RetryExhausted");
    assert_eq!(kind(one.clone()).await, "CircuitOpen");
    assert_eq!(kind(other).await, "RetryExhausted");
    assert_eq!(server.requests().iter().filter(|request| request.target() == "/token").count(), 2);
    drop(one.close().await);
}

/// An authorization server that says nothing is waited for as long as is configured.
#[tokio::test]
async fn a_token_is_waited_for_as_long_as_it_is_configured() {
    let silent = FaultServer::silent();
    let text = format!(
        "base_url = \"http://127.0.0.1:9\"\n[retry]\ntype = \"none\"\n[auth]\ntype = \"client_credentials\"\nclient_id = \"reports\"\nclient_secret = \"hunter2\"\ntoken_url = \"http://{}/token\"\nfetch_timeout = \"1ms\"",
        silent.address()
    );
    let client = client_from(config(&text)).unwrap().build().unwrap();
    let error = client.get("/").send().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("1.0ms"), "{text}");
}

/// Certificates and keys from files, over TLS.
#[tokio::test]
async fn certificates_and_keys_come_from_files_whatever_the_backend() {
    let tls = Tls::good().require_client_certificate();
    let server = FaultServer::start_tls(Script::always(Reply::ok("hello")), &tls);
    let folder = std::env::temp_dir().join(format!("midil-config-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = tls.client_certificate();
    for (name, pem) in
        [("ca.pem", tls.root_certificate_pem()), ("client.pem", certificate), ("client.key", key)]
    {
        std::fs::write(folder.join(name), pem).unwrap();
    }
    let at = |name: &str| folder.join(name);
    for backend in backends() {
        let call = |more: String| {
            let text = format!(
                "base_url = {:?}\n[transport]\ntype = {backend:?}\nproxy = \"none\"\n{more}\n[retry]\ntype = \"none\"",
                server.url()
            );
            let client = client_from(config(&text)).map(|builder| builder.build().unwrap());
            async move { client?.get("/").send().await?.text().await }
        };
        let trusts = format!("root_certificates = {:?}", at("ca.pem"));
        let shows = format!(
            "client_certificate = {:?}\nclient_key = {:?}",
            at("client.pem"),
            at("client.key")
        );
        // What is in the wrong file is told with the setting, not when a server is called.
        let no_root = format!("root_certificates = {:?}", at("client.key"));
        let no_key =
            format!("client_certificate = {:?}\nclient_key = {:?}", at("client.pem"), at("ca.pem"));
        for (wrong, setting) in [(no_root, "root_certificates"), (no_key, "client_certificate")] {
            let error = call(wrong).await.unwrap_err();
            assert_eq!(error.kind(), "Build", "{backend}: {error:?}");
            let names = error.to_string().starts_with(&format!("transport.{setting} "));
            assert!(names, "{backend}: {error}");
        }
        if backend == "isahc" {
            // It has no way to show one, and says so.
            assert_eq!(call(format!("{trusts}\n{shows}")).await.unwrap_err().kind(), "Build");
            continue;
        }
        assert_eq!(call(format!("{trusts}\n{shows}")).await.unwrap(), "hello", "{backend}");
        // Each of the two is needed.
        let nobody = call(shows).await.unwrap_err();
        let is_tls =
            matches!(&nobody, Error::Transport(error) if error.kind() == TransportErrorKind::Tls);
        assert!(is_tls, "{backend}: {nobody:?}");
        assert_eq!(call(trusts).await.unwrap_err().kind(), "Transport", "{backend}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
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

/// The largest values that a type has are allowed or refused, and neither panic nor overflow.
#[tokio::test]
async fn the_largest_and_the_smallest_values_are_used_or_refused() {
    let server = FaultServer::always(Reply::ok("hello"));
    let (most, long) = (i64::MAX.to_string(), format!("{}s", u64::MAX));
    let long = format!("{long:?}");
    let large = u32::MAX.to_string();
    let tiny = "\"1ns\"".to_owned();
    for (number, backend) in backends().into_iter().enumerate() {
        let kind = match backend {
            "reqwest" => BackendKind::Reqwest,
            "hyper" => BackendKind::Hyper,
            _ => BackendKind::Isahc,
        };
        for (section, key, values) in [
            ("", "timeout", vec![&long]),
            ("", "attempt_timeout", vec![&long]),
            ("", "total_timeout", vec![&long]),
            ("", "max_response_bytes", vec![&most]),
            ("transport", "connect_timeout", vec![&long]),
            ("transport", "max_connections", vec![&most]),
            ("transport", "max_keepalive_connections", vec![&most]),
            ("transport", "keepalive_expiry", vec![&long, &tiny]),
            ("transport", "tcp_keepalive", vec![&long, &tiny]),
            ("retry", "max_retries", vec![&large]),
            ("retry", "max_retry_after", vec![&long]),
            ("retry.backoff", "base_delay", vec![&tiny]),
            ("retry.backoff", "multiplier", vec![&most]),
            ("retry.backoff", "max_delay", vec![&long]),
            ("retry.budget", "capacity", vec![&most]),
            ("retry.budget", "calls_worth", vec![&long]),
            ("retry.budget", "second_earns", vec![&most]),
            ("redirects", "limit", vec![&large]),
            ("breaker", "failure_threshold", vec![&large]),
            ("breaker", "type = \"ratio\"\nfailure_ratio = 1\nwindow", vec![&long, &tiny]),
            ("breaker", "type = \"ratio\"\nfailure_ratio = 1\nminimum_calls", vec![&large]),
            ("breaker", "failure_threshold = 1\nrecovery_timeout", vec![&long, &tiny]),
            ("breaker", "failure_threshold = 1\nhalf_open_probes", vec![&large]),
            ("limits.bulkhead", "max_in_flight", vec![&most]),
            ("limits.bulkhead", "max_waiting", vec![&most]),
            ("limits.bulkhead", "max_wait", vec![&long, &tiny]),
            ("limits.rate_limit", "per = 1\ncalls", vec![&large]),
            ("limits.rate_limit", "calls = 1\nper", vec![&long, &tiny]),
            ("limits.rate_limit", "calls = 1\nper = 1\nburst", vec![&large]),
            ("limits.rate_limit", "calls = 1\nper = 1\nmax_wait", vec![&long]),
            ("limits.hedge", "delay", vec![&long]),
            ("limits.hedge", "percentile = 0.5\nminimum_samples", vec![&most]),
            ("limits.hedge", "percentile = 0.5\nmax_delay", vec![&long]),
            ("limits.hedge", "delay = 1\nmax_hedges", vec![&large]),
        ] {
            // Of the rest, no backend knows anything.
            let values = if number == 0 || section == "transport" { values } else { Vec::new() };
            for value in values {
                let head =
                    if section.is_empty() { String::new() } else { format!("[{section}]\n") };
                let text = format!("base_url = {:?}\n{head}{key} = {value}", server.url());
                let backend = HttpConfig::builder().transport(TransportConfig::new().kind(kind));
                let config = backend.layer(config(&text)).build().unwrap();
                match client_from(config).and_then(HttpClientBuilder::build) {
                    Ok(client) => {
                        for _ in 0..2 {
                            let outcome = client.get("/").send().await;
                            let text =
                                outcome.unwrap_or_else(|e| panic!("{text}: {e:?}")).text().await;
                            assert_eq!(text.unwrap(), "hello");
                        }
                    }
                    Err(error @ Error::Build(_)) => {
                        let name = key.rsplit('\n').next().unwrap();
                        assert!(error.to_string().contains(name), "{text}: {error}");
                    }
                    Err(other) => panic!("{text}: {other:?}"),
                }
            }
        }
    }
}
