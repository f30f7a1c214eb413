//! Where the context of a trace goes, whoever writes it.

use std::sync::atomic::AtomicU64;

use http::HeaderMap;
use midil_http::{Propagator, Request, TraceSettings};

use super::*;

/// Writes a context whose span is another one each time.
#[derive(Default)]
struct Numbered {
    count: AtomicU64,
    any_origin: bool,
}

impl Propagator for Numbered {
    fn inject(&self, headers: &mut HeaderMap) {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let context = format!("00-0af7651916cd43dd8448eb211c80319c-{number:016x}-01");
        headers.entry("traceparent").or_insert(context.try_into().expect("ASCII"));
    }

    fn any_origin(&self) -> bool {
        self.any_origin
    }
}

/// Where requests went, and the number that each carried.
fn carried(mock: &MockTransport) -> Vec<(String, Option<String>)> {
    let number = |text: &str| text[47..].trim_end_matches("-01").trim_start_matches('0').to_owned();
    let carried = mock.requests().into_iter().map(|request| {
        let context = request.headers().get("traceparent").map(|value| value.to_str().unwrap());
        (request.url().to_string(), context.map(number))
    });
    carried.collect()
}

fn at(path: &str, number: &str) -> (String, Option<String>) {
    (format!("https://{path}"), Some(number.to_owned()).filter(|number| !number.is_empty()))
}

#[tokio::test]
async fn every_request_of_a_call_carries_a_context_of_its_own() {
    let moved = Reply::status(307).header("location", "/b");
    let mock =
        MockTransport::sequence([Reply::status(503), Reply::status(401), moved, Reply::ok()]);
    let client = over(mock.clone()).auth(Tokens::default()).retry(up_to(3));
    let client = client.propagate(Numbered::default()).build().unwrap();
    client.get("/a").send().await.unwrap();
    let expected = [
        at("api.test/v1/a", "1"),
        at("api.test/v1/a", "2"),
        at("api.test/v1/a", "3"),
        at("api.test/b", "4"),
    ];
    assert_eq!(carried(&mock), expected);
}

#[tokio::test]
async fn third_parties_get_none_unless_they_are_to() {
    for (any_origin, allowed, redirected) in [(false, "", ""), (true, "3", "4")] {
        let away = Reply::status(307).header("location", "https://cdn.test/c");
        let mock =
            MockTransport::sequence([Reply::ok(), Reply::ok(), Reply::ok(), away, Reply::ok()]);
        let client = over(mock.clone())
            .allow_origin("https://other.test")
            .auth_origin("https://trusted.test")
            .redirect(Redirect::any())
            .propagate(Numbered { any_origin, ..Numbered::default() })
            .build()
            .unwrap();
        for url in ["/a", "https://trusted.test/a", "https://other.test/a", "/moved"] {
            client.get(url).send().await.unwrap();
        }
        let moved = if any_origin { "4" } else { "3" };
        let arrived = if any_origin { "5" } else { redirected };
        let expected = [
            at("api.test/v1/a", "1"),
            at("trusted.test/a", "2"),
            at("other.test/a", allowed),
            at("api.test/v1/moved", moved),
            at("cdn.test/c", arrived),
        ];
        assert_eq!(carried(&mock), expected);
    }
}

#[tokio::test]
async fn a_client_without_a_base_sends_it_to_where_a_call_begins() {
    let away = Reply::status(307).header("location", "https://cdn.test/c");
    let mock = MockTransport::sequence([away, Reply::ok()]);
    let client = HttpClient::builder(mock.clone()).redirect(Redirect::any());
    let client = client.propagate(Numbered::default()).build().unwrap();
    client.get("https://api.test/v1/a").send().await.unwrap();
    assert_eq!(carried(&mock), [at("api.test/v1/a", "1"), at("cdn.test/c", "")]);
}

#[tokio::test]
async fn what_the_caller_sets_is_left_alone() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).propagate(Numbered::default()).build().unwrap();
    let own = "00-11111111111111111111111111111111-2222222222222222-01";
    client.get("/a").header("traceparent", own).send().await.unwrap();
    assert_eq!(mock.requests()[0].headers()["traceparent"], own);
}

/// The span that is current while the context is written is that of the exchange, if it has one.
#[tokio::test]
async fn the_context_is_that_of_the_span_which_the_request_belongs_to() {
    for (settings, expected) in
        [(TraceSettings::new(), "HTTP"), (TraceSettings::new().exchange_spans(), "HTTP attempt")]
    {
        let current = |headers: &mut HeaderMap| {
            let name =
                tracing::Span::current().metadata().map_or("none", |metadata| metadata.name());
            headers.insert("x-span", HeaderValue::from_static(name));
        };
        let mock = MockTransport::always(Reply::ok());
        recorded(over(mock.clone()).trace(settings).propagate(current)).await;
        assert_eq!(mock.requests()[0].headers()["x-span"], expected);
    }
}

#[test]
fn a_propagator_is_forwarded_by_arc_with_all_that_it_says() {
    fn any_origin(propagator: &impl Propagator) -> bool {
        let mut request = Request::get("https://api.test").unwrap();
        propagator.inject(request.headers_mut());
        assert!(request.headers().contains_key("traceparent"));
        propagator.any_origin()
    }
    let propagator: Arc<dyn Propagator> =
        Arc::new(Numbered { any_origin: true, ..Numbered::default() });
    assert!(any_origin(&propagator));
}
