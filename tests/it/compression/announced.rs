//! `Accept-Encoding`: of whom, and of whom not.

use http::header;
use midil_http::{HttpClient, HttpClientBuilder, Redirect, RequestBuilder};
use midil_http_test::{MockTransport, Reply};

use super::Coding;
use super::coding::Coding::Gzip;
use crate::support::{BASE, over};

/// What is announced with the features that are on.
fn all() -> Option<&'static str> {
    let names: Vec<_> = ["zstd", "br", "gzip", "deflate"]
        .into_iter()
        .filter(|name| Coding::enabled().any(|coding| coding.name() == *name))
        .collect();
    (!names.is_empty()).then(|| &*names.join(", ").leak())
}

/// What the requests of a call announce.
async fn announced(
    client: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
    call: impl FnOnce(&HttpClient) -> RequestBuilder,
    replies: impl IntoIterator<Item = Reply>,
) -> Vec<Option<String>> {
    let mock = MockTransport::sequence(replies);
    let client = client(over(mock.clone())).build().unwrap();
    call(&client).send().await.unwrap();
    let value = |request: &midil_http_test::RecordedRequest| {
        request.header("accept-encoding").map(str::to_owned)
    };
    mock.requests().iter().map(value).collect()
}

fn get(client: &HttpClient) -> RequestBuilder {
    client.get("/")
}

#[tokio::test]
async fn exactly_the_encodings_of_the_features_are_announced() {
    let expected = vec![all().map(str::to_owned)];
    assert_eq!(announced(|client| client, get, [Reply::ok()]).await, expected);
    let post = |client: &HttpClient| client.post("/").json(&1).header("x-own", "1");
    assert_eq!(announced(|client| client, post, [Reply::ok()]).await, expected);
    let head = |client: &HttpClient| client.head("/");
    assert_eq!(announced(|client| client, head, [Reply::ok()]).await, expected);
}

#[tokio::test]
async fn every_attempt_and_every_hop_announces_the_same() {
    let hop = || Reply::status(307).header("location", "https://elsewhere.test/");
    let client = |client: HttpClientBuilder| {
        client.redirect(Redirect::any()).retry(crate::support::up_to(3))
    };
    let sent = announced(client, get, [Reply::status(503), hop(), Reply::ok()]).await;
    assert_eq!(sent, vec![all().map(str::to_owned); 3]);
}

#[tokio::test]
async fn a_caller_who_says_what_is_accepted_is_left_alone() {
    let own = |client: &HttpClient| client.get("/").header("accept-encoding", "br;q=0.5, *;q=0");
    let sent = announced(|client| client, own, [Reply::ok()]).await;
    assert_eq!(sent, [Some("br;q=0.5, *;q=0".to_owned())]);

    let base = |client: HttpClientBuilder| client.header("accept-encoding", "identity");
    assert_eq!(announced(base, get, [Reply::ok()]).await, [Some("identity".to_owned())]);
}

#[tokio::test]
async fn nothing_is_announced_for_ranges_and_where_it_is_off() {
    let range = |client: &HttpClient| client.get("/").header("range", "bytes=0-9");
    assert_eq!(announced(|client| client, range, [Reply::ok()]).await, [None]);
    let off = |client: &HttpClient| client.get("/").decompress(false);
    assert_eq!(announced(|client| client, off, [Reply::ok()]).await, [None]);
    let client_off = |client: HttpClientBuilder| client.decompress(false);
    assert_eq!(announced(client_off, get, [Reply::ok()]).await, [None]);
    let on = |client: &HttpClient| client.get("/").decompress(true);
    let expected = vec![all().map(str::to_owned)];
    assert_eq!(announced(client_off, on, [Reply::ok()]).await, expected);
}

#[tokio::test]
async fn a_body_that_was_not_asked_for_encoded_comes_as_it_was_sent() {
    let encoded = Gzip.encode(b"hello");
    for case in 0..4 {
        let reply = Reply::ok().header("content-encoding", "gzip").body(encoded.clone());

        let client = HttpClient::builder(MockTransport::sequence([reply])).base_url(BASE);
        let client = client.build().unwrap();
        let call = match case {
            0 => client.get("/").decompress(false),
            1 => client.get("/").header(header::ACCEPT_ENCODING, "gzip"),
            2 => client.get("/").header(header::RANGE, "bytes=0-9"),
            _ => client.get("/").decompress(false).header(header::RANGE, "bytes=0-9"),
        };
        let response = call.send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(response.bytes().await.unwrap(), encoded);
    }
}

/// A hook of a retry may ask for a range: it does not get what the caller takes for the bytes of the encoded form.
#[cfg(feature = "retry")]
#[tokio::test]
async fn what_a_hook_asks_for_counts() {
    use midil_http::{DefaultRetryStrategy, Retry, RetryEvent};

    let ranged = |event: &mut RetryEvent<'_>| {
        let range = http::HeaderValue::from_static("bytes=1-");
        event.request.headers.insert(header::RANGE, range);
    };
    let strategy = DefaultRetryStrategy::builder()
        .backoff(|_: &Retry| std::time::Duration::ZERO)
        .on_retry(ranged)
        .build()
        .unwrap();
    let encoded = Gzip.encode(b"hello");
    let part = Reply::ok().header("content-encoding", "gzip").body(encoded.clone());
    let mock = MockTransport::sequence([Reply::status(503), part]);
    let client = over(mock.clone()).retry(strategy).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert_eq!(mock.requests()[1].header("accept-encoding"), None);
    assert_eq!(response.bytes().await.unwrap(), encoded);
}
