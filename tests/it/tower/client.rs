//! The client as a service: URLs, what passes, what it goes through.

use std::sync::Arc;

use futures_util::FutureExt;
use http::{Request, Version};
use midil_http::{Body, CallSettings, Error, HttpClient, StaticToken, Transport, TransportService};
use midil_http_test::{MockTransport, Reply};
use tower::{Service, ServiceExt};

use super::{echoing, get, text};
use crate::support::whole::by_default;
use crate::support::{BASE, over};

/// What tower asks of a service that is shared, boxed and spawned.
#[test]
fn it_is_what_tower_asks_for() {
    type Answer = http::Response<Body>;
    fn service<S, B>()
    where
        S: Service<Request<B>, Response = Answer, Error = Error> + Clone + Send + Sync,
        S::Future: Send + 'static,
    {
    }
    service::<HttpClient, Body>();
    service::<HttpClient, String>();
    service::<HttpClient, http_body_util::Full<bytes::Bytes>>();
    service::<HttpClient, http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, Error>>();
    service::<&HttpClient, Body>();
    service::<TransportService<MockTransport>, Body>();
    service::<TransportService<dyn Transport>, String>();
    let (client, _) = echoing();
    let boxed = tower::util::BoxCloneSyncService::<Request<Body>, _, _>::new(client);
    drop(Arc::new(boxed));
}

#[test]
fn a_path_is_appended_to_the_base_and_an_absolute_url_of_its_origin_is_taken_as_it_is() {
    for (uri, url) in [
        ("/users?limit=10", "https://api.test/v1/users?limit=10"),
        ("/", "https://api.test/v1/"),
        ("https://api.test/v2/users?x=%20", "https://api.test/v2/users?x=%20"),
    ] {
        let (client, mock) = echoing();
        get(client, uri).now_or_never().unwrap().unwrap();
        assert_eq!(mock.requests()[0].url().as_str(), url);
    }
}

#[test]
fn what_the_client_would_refuse_is_refused() {
    for (uri, why) in [
        ("https://elsewhere.test/users", "allow_origin"),
        ("https://api.test:8443/users", "allow_origin"),
        ("/../admin", "climbs out"),
        ("/%2e%2e/admin", "climbs out"),
        ("//elsewhere.test/users", "begins with //"),
        ("https://ada:hunter2@api.test/v1", "user"),
        ("elsewhere.test", "names a host"),
        ("elsewhere.test:443", "names a host"),
        ("*", "names a path"),
    ] {
        let (client, mock) = echoing();
        let request = Request::get(uri).body(String::new()).unwrap();
        let error = client.oneshot(request).now_or_never().unwrap().expect_err(uri);
        assert!(matches!(error, Error::Build(_)), "{uri}: {error:?}");
        let shown = error.to_string();
        assert!(shown.contains(why) || uri == "*", "{uri}: {shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(mock.request_count(), 0, "{uri}");
    }
}

#[test]
fn without_a_base_url_a_path_is_refused_with_the_remedy() {
    let client = HttpClient::builder(MockTransport::new()).build().unwrap();
    let error = get(client, "/users").now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().contains("base_url"), "{error}");
}

#[test]
fn version_headers_and_extensions_pass_both_ways() {
    #[derive(Clone, Debug, PartialEq)]
    struct Mark(&'static str);

    let mock = MockTransport::always(Reply::from_fn(|request| {
        let mut response = http::Response::builder().status(207).version(Version::HTTP_2);
        response = response.header("x-answer", "1").header("x-answer", "2");
        let mut response = response.body(Body::from("hello")).unwrap();
        response.extensions_mut().insert(Mark("back"));
        assert_eq!(request.head().extensions.get(), Some(&Mark("there")));
        Ok(response)
    }));
    let client = over(mock.clone()).header("x-base", "b").build().unwrap();
    let mut request = Request::put("/a")
        .version(Version::HTTP_2)
        .header("x-own", "o")
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(Mark("there"));
    let response = client.oneshot(request).now_or_never().unwrap().unwrap();

    assert_eq!((response.status().as_u16(), response.version()), (207, Version::HTTP_2));
    assert_eq!(response.extensions().get(), Some(&Mark("back")));
    assert_eq!(response.headers().get_all("x-answer").iter().count(), 2);
    let seen = &mock.requests()[0];
    assert_eq!((seen.method().as_str(), seen.version()), ("PUT", Version::HTTP_2));
    assert_eq!((seen.header("x-base"), seen.header("x-own")), (Some("b"), Some("o")));
}

#[test]
fn a_call_goes_the_whole_way() {
    let mock = MockTransport::sequence([Reply::status(503), Reply::ok().body("hello")]);
    let client = over(mock.clone()).auth(StaticToken::try_new("t1").unwrap()).retry(by_default());
    let client = client.runtime(midil_http_test::ManualRuntime::new()).build().unwrap();
    let response = get(&client, "/a").now_or_never().unwrap().unwrap();
    assert_eq!(text(response).now_or_never().unwrap().unwrap(), "hello");
    assert_eq!(mock.request_count(), 2);
    assert!(
        mock.requests().iter().all(|request| request.header("authorization") == Some("Bearer t1"))
    );
}

#[test]
fn settings_of_the_call_are_taken_from_the_extensions() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).auth(StaticToken::try_new("t1").unwrap()).build().unwrap();
    let mut settings = CallSettings::default();
    settings.authenticate = Some(false);
    let request = Request::get("/a").extension(settings).body(Body::empty()).unwrap();
    client.oneshot(request).now_or_never().unwrap().unwrap();
    assert_eq!(mock.requests()[0].header("authorization"), None);
}

#[test]
fn nothing_happens_before_the_future_is_polled() {
    let (client, mock) = echoing();
    let mut service = &client;
    let request = Request::get(format!("{BASE}/a")).body(Body::empty()).unwrap();
    drop(service.call(request));
    assert_eq!(mock.request_count(), 0);
}
