use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Method};
use midil_http_core::{Body, Error, HttpClient, Request};

use super::*;
use crate::StaticToken;

/// What a [`Probe`] was told: its name, the generation and the route.
type Told = Arc<Mutex<Vec<(&'static str, u64, u32)>>>;

/// Gives its name, always of generation 7, and remembers what was rejected.
struct Probe {
    name: &'static str,
    route: u32,
    told: Told,
}

impl Probe {
    fn new(name: &'static str, told: &Told) -> Self {
        Self { name, route: 0, told: Arc::clone(told) }
    }
}

#[async_trait]
impl AuthNProvider for Probe {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new(self.name))
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let name = HeaderName::from_static("x-probe");
        let headers = AuthNHeaders::new().with(name, HeaderValue::from_static(self.name));
        Ok(headers.with_generation(7).with_route(self.route))
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        let told = (self.name, rejected.generation(), rejected.route());
        self.told.lock().unwrap().push(told);
    }
}

fn request(url: &str) -> RequestHead {
    RequestHead::new(Method::GET, url.parse().unwrap())
}

fn headers(provider: &PerOrigin, url: &str) -> Result<AuthNHeaders, AuthError> {
    provider.get_headers(&request(url)).now_or_never().unwrap()
}

/// Whose headers a request to that URL gets.
fn whose(provider: &PerOrigin, url: &str) -> String {
    let headers = headers(provider, url).unwrap();
    headers.iter().next().unwrap().1.to_str().unwrap().to_owned()
}

/// `b` before `a`: places follow the order of origins, not of calls.
fn two(told: &Told) -> PerOriginBuilder {
    PerOrigin::builder()
        .origin("https://b.example.com:8443", Probe::new("b", told))
        .origin("https://A.example.com:443/v1?x", Probe::new("a", told))
}

#[test]
fn scheme_host_and_port_choose() {
    let provider = two(&Told::default()).fallback(Probe::new("other", &Told::default()));
    let provider = provider.build().unwrap();
    for (url, expected) in [
        ("https://a.example.com/", "a"),
        ("https://A.EXAMPLE.com:443/v2/x?y#z", "a"),
        ("https://b.example.com:8443/", "b"),
        ("http://a.example.com/", "other"),
        ("https://a.example.com:8443/", "other"),
        ("https://b.example.com/", "other"),
        ("https://a.example.com.evil.test/", "other"),
        ("https://evil.test/https://a.example.com", "other"),
        ("https://a.example.com@evil.test/", "other"),
        ("https://user@a.example.com/", "other"),
        ("https://xa.example.com/", "other"),
    ] {
        assert_eq!(whose(&provider, url), expected, "{url}");
    }
}

#[test]
fn every_one_of_many_is_found() {
    let origin = |number: usize| format!("https://t{number}.example.com");
    let names = ["n0", "n1", "n2", "n3"].into_iter().cycle().take(40);
    let told = Told::default();
    let mut builder = PerOrigin::builder();
    for (number, name) in names.clone().enumerate() {
        builder = builder.origin(origin(number), Probe::new(name, &told));
    }
    let provider = builder.build().unwrap();
    for (number, name) in names.enumerate() {
        assert_eq!(whose(&provider, &origin(number)), name);
        provider.invalidate(&headers(&provider, &origin(number)).unwrap());
        assert_eq!(told.lock().unwrap().pop(), Some((name, 7, 0)));
    }
}

#[test]
fn loopback_may_be_plain() {
    let provider = PerOrigin::builder()
        .origin("http://127.0.0.1:8080", Probe::new("v4", &Told::default()))
        .origin("http://[::1]:8080", Probe::new("v6", &Told::default()))
        .build()
        .unwrap();
    assert_eq!(whose(&provider, "http://127.0.0.1:8080/x"), "v4");
    assert_eq!(whose(&provider, "http://[0:0::1]:8080/x"), "v6");
}

#[test]
fn an_origin_of_nobody_is_an_error_that_names_it() {
    let provider = two(&Told::default()).build().unwrap();
    let error = headers(&provider, "https://u:hunter2@c.example.com:1/p?q=hunter2").unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Configuration);
    assert_eq!(
        error.to_string(),
        "there is no provider for https://c.example.com:1: name one with PerOrigin::origin, or set PerOrigin::fallback"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_token_without_a_request_is_the_fallbacks() {
    let provider = two(&Told::default()).build().unwrap();
    let error = provider.get_token().now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Configuration);
    assert!(error.to_string().contains("use get_headers"), "{error}");

    let other = Probe::new("other", &Told::default());
    let provider = two(&Told::default()).fallback(other).build().unwrap();
    let token = provider.get_token().now_or_never().unwrap().unwrap();
    assert_eq!(token.access_token().expose(), "other");
}

#[test]
fn a_rejection_reaches_the_provider_of_its_route_alone() {
    let told = Told::default();
    let provider = two(&told).fallback(Probe::new("other", &told)).build().unwrap();
    for (url, name) in [
        ("https://b.example.com:8443/", "b"),
        ("https://c.example.com/", "other"),
        ("https://a.example.com/", "a"),
    ] {
        let rejected = headers(&provider, url).unwrap();
        assert_eq!(rejected.generation(), 7);
        provider.clone().invalidate(&rejected);
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [(name, 7, 0)]);
    }
}

#[test]
fn a_rejection_without_a_route_is_the_fallbacks_or_nobodys() {
    let told = Told::default();
    two(&told).build().unwrap().invalidate(&AuthNHeaders::new().with_generation(7));
    assert_eq!(*told.lock().unwrap(), []);

    let provider = two(&told).fallback(Probe::new("other", &told)).build().unwrap();
    provider.invalidate(&AuthNHeaders::new().with_generation(7));
    assert_eq!(*told.lock().unwrap(), [("other", 7, 0)]);
}

#[test]
fn one_in_another_keeps_its_routes() {
    let told = Told::default();
    let inner = two(&told).fallback(Probe::new("inner", &told)).build().unwrap();
    let outer = PerOrigin::builder()
        .origin("https://c.example.com", Probe::new("c", &told))
        .origin("https://d.example.com", inner.clone())
        .fallback(inner)
        .build()
        .unwrap();
    let outermost = PerOrigin::builder().fallback(outer).build().unwrap();
    for (url, name) in [
        ("https://a.example.com/", "a"),
        ("https://b.example.com:8443/", "b"),
        ("https://c.example.com/", "c"),
        ("https://d.example.com/", "inner"),
        ("https://e.example.com/", "inner"),
    ] {
        let rejected = headers(&outermost, url).unwrap();
        outermost.invalidate(&rejected);
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [(name, 7, 0)], "{url}");
    }
}

#[test]
fn a_route_of_the_providers_own_comes_back_to_it() {
    let told = Told::default();
    let with = |route| {
        let probe = Probe { name: "routed", route, told: Arc::clone(&told) };
        PerOrigin::builder().origin("https://a.example.com", probe).build().unwrap()
    };
    let largest = (u32::MAX - 1) / 2;
    let provider = with(largest);
    provider.invalidate(&headers(&provider, "https://a.example.com").unwrap());
    assert_eq!(*told.lock().unwrap(), [("routed", 7, largest)]);

    for route in [largest + 1, u32::MAX] {
        let error = headers(&with(route), "https://a.example.com").unwrap_err();
        assert!(error.to_string().contains("AuthNHeaders::route is too large"), "{error}");
    }
}

#[test]
fn origins_that_cannot_be_are_refused_without_their_secrets() {
    for (origin, problem) in [
        ("", "PerOrigin::origin cannot be \"\": "),
        ("c.example.com", "PerOrigin::origin cannot be \"c.example.com\": "),
        ("ftp://c.example.com", "PerOrigin::origin cannot be \"ftp://c.example.com\": only http"),
        (
            "https://u:hunter2@c.example.com",
            "PerOrigin::origin cannot be \"https://c.example.com\": userinfo",
        ),
        (
            "http://c.example.com?k=hunter2",
            "PerOrigin::origin cannot be \"http://c.example.com?…\": secrets would travel",
        ),
        (
            "https://a.example.com/?hunter2",
            "PerOrigin::origin names https://a.example.com twice: give",
        ),
    ] {
        let builder = two(&Told::default()).origin(origin, Probe::new("c", &Told::default()));
        assert!(!format!("{builder:?}").contains("hunter2"));
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.starts_with(problem) && !text.contains("hunter2"), "{text}");
    }
    let none = PerOrigin::builder().build().unwrap_err();
    assert!(none.to_string().starts_with("PerOrigin has no provider: "), "{none}");
}

#[test]
fn debug_shows_origins_alone() {
    let token = StaticToken::try_new("hunter2").unwrap();
    let provider = two(&Told::default()).fallback(token).build().unwrap();
    assert_eq!(
        format!("{provider:?}"),
        "PerOrigin { origins: [\"https://a.example.com\", \"https://b.example.com:8443\"], fallback: true, .. }"
    );
}

#[test]
fn a_choice_costs_nothing() {
    let token = StaticToken::try_new("hunter2").unwrap();
    let provider = two(&Told::default()).origin("https://c.example.com", token).build().unwrap();
    let request = request("https://c.example.com/x");
    let counted = allocation_counter::measure(|| {
        assert!(provider.get_headers(&request).now_or_never().unwrap().is_ok());
    });
    assert_eq!(counted.count_total, 2); // the boxes of the two futures
}

/// Over a client: its 401 comes back to the provider, and credentials stay with their origin over a redirect.
#[tokio::test]
async fn a_client_hands_routes_back() {
    let told = Told::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let transport = move |request: Request| {
        let name = request.headers()["x-probe"].to_str().unwrap().to_owned();
        let host = request.url().host_str().unwrap().to_owned();
        let response = match &*host {
            "a.example.com" => http::Response::builder()
                .status(307)
                .header("location", "https://b.example.com:8443/"),
            _ => http::Response::builder().status(401),
        };
        log.lock().unwrap().push((host, name));
        async { Ok(response.body(Body::empty()).unwrap()) }
    };
    let client = HttpClient::builder(transport)
        .base_url("https://a.example.com")
        .auth_origin("https://b.example.com:8443")
        .auth(two(&told).build().unwrap())
        .build()
        .unwrap();
    assert_eq!(client.get("/").send().await.unwrap().status(), 401);
    let pair = |host: &str, name: &str| (host.to_owned(), name.to_owned());
    assert_eq!(*seen.lock().unwrap(), [pair("a.example.com", "a"), pair("b.example.com", "b")]);
    assert_eq!(*told.lock().unwrap(), [("b", 7, 0)]);
}
