//! Downloads that go on. A byte of where the first response breaks off, one of the second's status, one that says whether its
//! body is what its head says; then its headers, a line for each, an empty line, and else its body.
//!
//! The server is honest but for that second response. What is read must be the resource, or an error; where the second
//! response was what it should be, it must be the resource. `Content-Range` is read here by RFC 9110, section 14.4.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use midil_http_core::{
    Attempt, Body, Error, HttpClient, Outcome, Request, RetryDecision, TransportErrorKind,
};
use midil_http_test::ManualRuntime;

use super::input::Input;

const RESOURCE: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
const TAG: &str = "\"v1\"";
const STATUSES: [u16; 8] = [206, 200, 416, 206, 404, 503, 204, 301];

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let broken = usize::from(input.byte()) % (RESOURCE.len() + 1);
    let status = STATUSES[usize::from(input.byte()) % STATUSES.len()];
    let is_honest = input.byte() & 1 == 1;
    let mut headers = HeaderMap::new();
    loop {
        let line = input.line();
        if line.is_empty() {
            break;
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value =
            halves.next().and_then(|value| HeaderValue::from_bytes(value.trim_ascii()).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let range = range_of(&headers);
    let body = match range.filter(|_| is_honest && status == 206) {
        Some((first, last, _)) => RESOURCE.get(first..=last).unwrap_or_default(),
        None if is_honest && status == 200 => &RESOURCE[..],
        None => input.0,
    };
    let is_tagged = headers.get_all(header::ETAG).iter().eq([TAG]);
    let has_more =
        headers.keys().any(|name| *name != header::ETAG && *name != header::CONTENT_RANGE);
    let mut second = http::Response::new(Body::from(body.to_vec()));
    *second.status_mut() = StatusCode::from_u16(status).unwrap();
    *second.headers_mut() = headers;
    let found = download(broken, second);

    let is_rest = range.is_some_and(|(first, last, complete)| {
        first == broken && last < RESOURCE.len() && complete.is_none_or(|all| all == RESOURCE.len())
    });
    let is_of_it = is_tagged && (status == 200 || (status == 206 && is_rest));
    match found {
        Ok(found) => {
            assert_eq!(found.len(), RESOURCE.len(), "it is short, or has too much");
            assert_eq!(found[..broken], RESOURCE[..broken]);
            // Of a 416 nothing is taken, whatever it says.
            let nothing_taken = broken == RESOURCE.len() || status == 416;
            assert!(nothing_taken || is_of_it, "something else was taken");
            assert!(!(is_honest || nothing_taken) || found == RESOURCE);
        }
        Err(error) => {
            assert!(broken < RESOURCE.len(), "all of it was there: {error}");
            let is_plain = status == 206 && is_honest && !has_more;
            assert!(!(is_plain && is_of_it), "{error}");
        }
    }
}

/// Downloads the resource, of which the first response has so many bytes.
fn download(broken: usize, second: http::Response<Body>) -> Result<Vec<u8>, Error> {
    let asked = Arc::new(Mutex::new((0, Some(second))));
    let transport = move |request: Request| {
        let (number, second) = &mut *asked.lock().unwrap();
        *number += 1;
        let response = match (*number, second.take()) {
            (1, kept) => {
                *second = kept;
                // Its head announces all of it: it breaks off.
                let mut response = http::Response::new(Body::from(RESOURCE[..broken].to_vec()));
                response.headers_mut().insert(header::CONTENT_LENGTH, 64.into());
                response
            }
            (_, Some(second)) => second,
            (_, None) => honest(&request),
        };
        let mut response = response;
        if *number != 2 {
            response.headers_mut().insert(header::ETAG, HeaderValue::from_static(TAG));
        }
        async { Ok(response) }
    };
    // What is not the rest is not asked for again: the honest answer to that would hide it.
    let retry = |attempt: &Attempt<'_>| match attempt.outcome {
        Outcome::Error(Error::Transport(error))
            if error.kind() != TransportErrorKind::NotResumed && attempt.number < 4 =>
        {
            RetryDecision::Retry { after: Duration::ZERO }
        }
        _ => RetryDecision::Accept,
    };
    let runtime = ManualRuntime::new();
    let client = HttpClient::builder(transport)
        .base_url("https://api.test")
        .retry(retry)
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(async {
        let response = client.get("/file").resumable(true).decompress(false).send().await?;
        Ok(response.bytes().await?.to_vec())
    })
}

/// The rest, as it is asked for.
fn honest(request: &Request) -> http::Response<Body> {
    let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let first: usize = first.expect("a range to the end").parse().expect("a number");
    assert!(first <= RESOURCE.len(), "what is asked for is not there");
    let mut response = http::Response::new(Body::from(RESOURCE[first..].to_vec()));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let range = HeaderValue::try_from(format!("bytes {first}-63/64")).expect("ASCII");
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}

/// First, last and complete length of the one `Content-Range`, which must make sense.
fn range_of(headers: &HeaderMap) -> Option<(usize, usize, Option<usize>)> {
    let mut all = headers.get_all(header::CONTENT_RANGE).iter();
    let text = all.next()?.to_str().ok()?.trim_matches([' ', '\t']);
    if all.next().is_some() || !text.get(..6)?.eq_ignore_ascii_case("bytes ") {
        return None;
    }
    let digits = |text: &str| {
        let is_number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok())?.and_then(|n| usize::try_from(n).ok())
    };
    let (range, complete) = text[6..].split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (digits(first)?, digits(last)?);
    let complete = if complete == "*" { None } else { Some(digits(complete)?) };
    (first <= last && complete.is_none_or(|complete| last < complete))
        .then_some((first, last, complete))
}
