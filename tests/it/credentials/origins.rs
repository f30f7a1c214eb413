//! Which servers see what a provider emits: looked at where it arrives, in the bytes of the head.

use std::sync::Mutex;

use http::{HeaderName, HeaderValue};
use midil_http::{
    AuthError, AuthErrorKind, AuthNHeaders, AuthNProvider, AuthNToken, Redirect, RequestHead,
    async_trait,
};
use midil_http_test::fault_server::{Received, Reply as Answer};

use super::*;
use crate::support::up_to;
use crate::support::whole::{of, on_the_wire};

/// What the headers of a [`Signer`] hold, and no other.
const KEY: &str = "hunter2";
const EMITTED: [&str; 3] = ["x-api-key", "x-signature", KEY];

/// Signs requests: with a key, and with what it signed, and when.
#[derive(Clone, Default)]
struct Signer(Arc<Mutex<Vec<String>>>);

impl Signer {
    /// What was signed, in its order.
    fn signed(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics").clone()
    }
}

#[async_trait]
impl AuthNProvider for Signer {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Err(AuthError::new(AuthErrorKind::Other, "there is no token: use get_headers"))
    }

    async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let mut signed = self.0.lock().expect("nobody panics");
        signed.push(request.to_string());
        let signature = format!("{}:{KEY}:{}", signed.len(), request.url.path());
        Ok(AuthNHeaders::new()
            .with(HeaderName::from_static("x-api-key"), HeaderValue::from_static(KEY))
            .with(
                HeaderName::from_static("x-signature"),
                HeaderValue::try_from(signature).expect("a header"),
            ))
    }
}

/// The signature of a request as it arrived, where it has what the provider emits.
#[track_caller]
fn signature(request: &Received) -> Option<String> {
    let signature = request.header("x-signature").map(str::to_owned);
    let head = String::from_utf8_lossy(request.head_bytes()).to_lowercase();
    let found = EMITTED.map(|emitted| head.contains(emitted));
    assert!(found == [signature.is_some(); 3], "{request:?} has a part of it");
    signature
}

/// The signatures of all requests that a server got.
fn signatures(server: &FaultServer) -> Vec<Option<String>> {
    server.requests().iter().map(signature).collect()
}

fn to(url: &str) -> Answer {
    Answer::status(307).header("location", url)
}

fn ok() -> FaultServer {
    FaultServer::always(Answer::ok("hello"))
}

#[test]
fn each_attempt_and_each_hop_is_signed_anew() {
    on_the_wire(async {
        let home = FaultServer::start([
            Answer::status(503),
            Answer::status(503),
            to("/b"),
            Answer::status(503),
            Answer::ok("hello"),
        ]);
        let signer = Signer::default();
        let client = of(&home).auth(signer.clone()).retry(up_to(9)).build().unwrap();
        assert_eq!(client.get("/a").send().await.unwrap().status(), 200);
        let expected =
            ["1:hunter2:/a", "2:hunter2:/a", "3:hunter2:/a", "4:hunter2:/b", "5:hunter2:/b"];
        assert_eq!(signatures(&home), expected.map(|text| Some(text.to_owned())));
    });
}

/// The servers differ in their ports alone.
#[test]
fn a_redirect_to_another_origin_takes_nothing_along() {
    type Set = fn(HttpClientBuilder, &str) -> HttpClientBuilder;
    let cases: [(&str, Set); 3] = [
        ("allow_origin", |builder, url| builder.allow_origin(url)),
        ("any", |builder, _| builder.redirect(Redirect::any())),
        ("both", |builder, url| builder.redirect(Redirect::any()).allow_origin(url)),
    ];
    on_the_wire(async {
        for (case, set) in cases {
            for status in [301, 302, 303, 307, 308] {
                let away = ok();
                let home = Answer::status(status).header("location", away.url());
                let home = FaultServer::start([home]);
                let signer = Signer::default();
                let client = set(of(&home), &away.url()).auth(signer.clone()).build().unwrap();
                let response = client.post("/a").body("hello").send().await.unwrap();
                assert_eq!(response.status(), 200, "{case} {status}");
                assert_eq!(signatures(&away), [None], "{case} {status}");
                assert!(signatures(&home)[0].is_some());
                assert_eq!(signer.signed().len(), 1, "nothing was signed for the other");
            }
        }
    });
}

/// Not even to the origin that gave the redirect: with a 401, a retry, or on the way on.
#[test]
fn nothing_that_happens_elsewhere_has_the_provider_asked() {
    on_the_wire(async {
        let third = FaultServer::start([Answer::status(503), Answer::status(401)]);
        let second = FaultServer::start([Answer::status(503), to(&third.url())]);
        let home = FaultServer::start([to(&second.url())]);
        let signer = Signer::default();
        let client = of(&home).auth(signer.clone()).redirect(Redirect::any()).retry(up_to(9));
        assert_eq!(client.build().unwrap().get("/a").send().await.unwrap().status(), 401);
        assert_eq!([signatures(&second), signatures(&third)], [[None, None], [None, None]]);
        assert_eq!(signer.signed().len(), 1);
    });
}

#[test]
fn a_redirect_back_home_is_signed_for_where_it_leads() {
    on_the_wire(async {
        // The first server must know the second, which must know the first.
        let back = Arc::new(Mutex::new(String::new()));
        let home_url = Arc::clone(&back);
        let away = FaultServer::respond_with(move |_| to(&home_url.lock().expect("a URL")));
        let away_url = away.url();
        let home = FaultServer::respond_with(move |request| match request.target() {
            "/a" => to(&away_url),
            _ => Answer::ok("hello"),
        });
        *back.lock().unwrap() = format!("{}/b", home.url());
        let signer = Signer::default();
        let client = of(&home).auth(signer.clone()).redirect(Redirect::any()).build().unwrap();
        assert_eq!(client.get("/a").send().await.unwrap().status(), 200);
        let expected = ["1:hunter2:/a", "2:hunter2:/b"].map(|text| Some(text.to_owned()));
        assert_eq!((signatures(&home), signatures(&away)), (expected.to_vec(), vec![None]));
    });
}

#[test]
fn an_absolute_url_of_an_allowed_origin_gets_nothing() {
    on_the_wire(async {
        let (home, away) = (ok(), ok());
        let signer = Signer::default();
        let client = of(&home).auth(signer.clone()).allow_origin(away.url()).build().unwrap();
        client.get(format!("{}/a", away.url())).send().await.unwrap();
        client.post(format!("{}/a", away.url())).json("hello").send().await.unwrap();
        assert_eq!(signatures(&away), [None, None]);
        assert!(signer.signed().is_empty());
    });
}

#[test]
fn an_auth_origin_gets_a_signature_of_its_own() {
    on_the_wire(async {
        let trusted = ok();
        let home = FaultServer::start([to(&format!("{}/b", trusted.url()))]);
        let signer = Signer::default();
        let client = of(&home).auth(signer.clone()).auth_origin(trusted.url()).build().unwrap();
        client.get("/a").send().await.unwrap();
        client.get(format!("{}/c", trusted.url())).send().await.unwrap();
        assert_eq!(signatures(&home), [Some("1:hunter2:/a".to_owned())]);
        let expected = ["2:hunter2:/b", "3:hunter2:/c"].map(|text| Some(text.to_owned()));
        assert_eq!(signatures(&trusted), expected);
        let (home, trusted) = (home.url(), trusted.url());
        let signed =
            [format!("GET {home}/a"), format!("GET {trusted}/b"), format!("GET {trusted}/c")];
        assert_eq!(signer.signed(), signed, "it signs what is sent");
    });
}

/// On the mock: the same host and port with and without TLS.
#[test]
fn another_scheme_is_another_origin() {
    let runtime = ManualRuntime::new();
    let emits = |request: &RecordedRequest| {
        ["x-api-key", "x-signature"].map(|name| request.header(name).is_some())
    };
    for (base, location) in [
        ("http://api.test", "https://api.test/b"),
        ("http://api.test:443", "https://api.test/b"),
        ("https://api.test", "https://api.test:80/b"),
    ] {
        let moved = Reply::status(307).header("location", location);
        let mock = MockTransport::sequence([moved, Reply::ok()]);
        let client = HttpClient::builder(mock.clone())
            .base_url(base)
            .auth(Signer::default())
            .allow_plain_http_auth()
            .redirect(Redirect::any())
            .build()
            .unwrap();
        assert_eq!(runtime.block_on(client.get("/a").send()).unwrap().status(), 200);
        let seen: Vec<_> = mock.requests().iter().map(emits).collect();
        assert_eq!(seen, [[true; 2], [false; 2]], "{base} to {location}");
    }
    // Back to plain http is refused, wherever it leads.
    let moved = Reply::status(307).header("location", "http://api.test/b");
    let mock = MockTransport::sequence([moved]);
    let client = over(mock.clone()).auth(Signer::default()).redirect(Redirect::any());
    runtime.block_on(client.build().unwrap().get("/a").send()).unwrap_err();
    assert_eq!(mock.request_count(), 1);
}
