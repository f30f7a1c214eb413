//! The token request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, header};
use midil_http_core::{AuthNProvider, CallSettings, Request, Secret};
use midil_http_test::{ManualRuntime, MockTransport, RecordedRequest, Reply};
use url::{Url, form_urlencoded};

use crate::ClientCredentials;
use crate::client_credentials::grant::{ClientAuthMethod, Grant};

/// Everything that a form must not take for its own.
const ODD: &str = "a+b %/:&=\"'\\ü€🦀;,~*-._ \t";

fn grant(id: &str, method: ClientAuthMethod) -> Grant {
    Grant {
        url: Url::parse("https://login.test/token?tenant=17").unwrap(),
        client_id: id.to_owned(),
        method,
        fields: vec![("scope".to_owned(), "a b".to_owned())],
        headers: HeaderMap::new(),
    }
}

fn request(id: &str, secret: &str, method: ClientAuthMethod) -> Request {
    grant(id, method).request(&Secret::from(secret), CallSettings::default()).unwrap()
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn body(request: &Request) -> &[u8] {
    request.body().as_bytes().unwrap()
}

/// What an authority reads in `Authorization: Basic`, before it decodes the halves.
fn basic(request: &Request) -> String {
    let value = request.headers()[header::AUTHORIZATION].to_str().unwrap();
    let bytes = STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn basic_is_form_encoded_before_it_is_base64() {
    for (text, encoded) in [
        ("reports", "reports"),
        ("a b", "a+b"),
        ("+", "%2B"),
        ("%", "%25"),
        (":", "%3A"),
        ("/", "%2F"),
        ("&", "%26"),
        ("=", "%3D"),
        ("\"'", "%22%27"),
        ("\\", "%5C"),
        ("ü€", "%C3%BC%E2%82%AC"),
        ("~", "%7E"),
        ("*-._", "*-._"),
        ("\r\n\0", "%0D%0A%00"),
    ] {
        let request = request(text, text, ClientAuthMethod::Basic);
        assert_eq!(basic(&request), format!("{encoded}:{encoded}"), "{text:?}");
    }
}

#[test]
fn an_authority_that_decodes_gets_back_what_was_said() {
    let basic = basic(&request(ODD, ODD, ClientAuthMethod::Basic));
    let (id, secret) = basic.split_once(':').unwrap();
    for half in [id, secret] {
        let pairs = form(format!("x={half}").as_bytes());
        assert_eq!(pairs, [("x".to_owned(), ODD.to_owned())]);
    }
    let posted = request(ODD, ODD, ClientAuthMethod::Post);
    let pairs = form(body(&posted));
    let value =
        |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((value("client_id"), value("client_secret")), (Some(ODD), Some(ODD)));
}

#[test]
fn the_two_ways_do_not_mix() {
    let basic = request("reports", "hunter2", ClientAuthMethod::Basic);
    assert_eq!(body(&basic), b"grant_type=client_credentials&scope=a+b");
    assert!(basic.headers()[header::AUTHORIZATION].is_sensitive());
    let post = request("reports", "hunter2", ClientAuthMethod::Post);
    assert_eq!(
        body(&post),
        b"grant_type=client_credentials&scope=a+b&client_id=reports&client_secret=hunter2"
    );
    assert!(!post.headers().contains_key(header::AUTHORIZATION));
    for request in [basic, post] {
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.url().as_str(), "https://login.test/token?tenant=17");
    }
}

#[test]
fn neither_the_grant_nor_its_request_show_a_secret() {
    for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
        let mut grant = grant("reports", method);
        grant.fields.push(("assertion".to_owned(), "hunter2".to_owned()));
        grant.headers.insert("x-key", sensitive("hunter2"));
        let secret = Secret::from("hunter2");
        let request = grant.request(&secret, CallSettings::default()).unwrap();
        let encoded = STANDARD.encode("reports:hunter2");
        for shown in [format!("{grant:?}"), format!("{request:?}"), format!("{:?}", request.head())]
        {
            for hidden in ["hunter2", "reports", encoded.as_str(), "tenant=17"] {
                assert!(!shown.contains(hidden), "{hidden} in {shown}");
            }
        }
    }
}

fn sensitive(text: &'static str) -> HeaderValue {
    let mut value = HeaderValue::from_static(text);
    value.set_sensitive(true);
    value
}

/// The request of a client with all that can be set.
fn whole(method: ClientAuthMethod) -> RecordedRequest {
    let mock = MockTransport::always(Reply::ok().body(r#"{"access_token":"t"}"#));
    let runtime = ManualRuntime::new();
    let credentials = ClientCredentials::builder(mock.clone())
        .token_url("https://login.test/token?tenant=17")
        .client_id("reports")
        .client_secret("hunter2")
        .auth_method(method)
        .scope("orders/read  orders/write")
        .scopes(["users/read", ""])
        .audience("https://api.test/?a&b")
        .resource("https://one.test")
        .resource("https://two.test")
        .parameter("tenant", "17 ü")
        .parameter("tenant", "18")
        .header("x-key", "k1")
        .header("x-key", "k2")
        .header("Accept", "application/vnd.token+json")
        .header("content-type", "text/plain")
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(credentials.get_token()).unwrap();
    mock.requests().remove(0)
}

#[test]
fn the_form_has_every_field_once_for_each_time_it_was_said() {
    let asked = [
        ("grant_type", "client_credentials"),
        ("audience", "https://api.test/?a&b"),
        ("resource", "https://one.test"),
        ("resource", "https://two.test"),
        ("tenant", "17 ü"),
        ("tenant", "18"),
        ("scope", "orders/read orders/write users/read"),
    ];
    let secrets = [("client_id", "reports"), ("client_secret", "hunter2")];
    let sorted = |pairs: Vec<(String, String)>| {
        let mut pairs = pairs;
        pairs.sort();
        pairs
    };
    let owned = |pairs: &[(&str, &str)]| {
        sorted(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    };
    let basic = whole(ClientAuthMethod::Basic);
    assert_eq!(sorted(form(basic.body())), owned(&asked));
    let post = whole(ClientAuthMethod::Post);
    assert_eq!(sorted(form(post.body())), owned(&[&asked[..], &secrets[..]].concat()));
}

#[test]
fn headers_of_ones_own_go_along_and_stay_hidden() {
    let request = whole(ClientAuthMethod::Basic);
    let keys: Vec<_> = request.headers().get_all("x-key").iter().collect();
    assert_eq!(keys, ["k1", "k2"]);
    assert!(keys.iter().all(|value| value.is_sensitive()));
    assert_eq!(request.header("accept"), Some("application/vnd.token+json"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.headers().get_all("content-type").iter().count(), 1);
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("midil-auth/"), "{agent}");
    let plain = {
        let mock = MockTransport::always(Reply::ok().body(r#"{"access_token":"t"}"#));
        let runtime = ManualRuntime::new();
        let credentials = ClientCredentials::builder(mock.clone())
            .token_url("https://login.test/token")
            .client_id("reports")
            .client_secret("hunter2")
            .runtime(runtime.clone())
            .build()
            .unwrap();
        runtime.block_on(credentials.get_token()).unwrap();
        mock.requests().remove(0)
    };
    assert_eq!(plain.header("accept"), Some("application/json"));
    assert_eq!(plain.text(), "grant_type=client_credentials", "no scope is no field");
    let authorization = &plain.headers()[header::AUTHORIZATION];
    assert!(authorization.is_sensitive(), "also when it is sent");
    assert_eq!(authorization, "Basic cmVwb3J0czpodW50ZXIy");
}
