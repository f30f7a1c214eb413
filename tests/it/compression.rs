//! Compressed bodies: what is announced, what is decoded, and that nothing broken passes for whole.
//!
//! Each test runs with the encodings whose features are on.

mod announced;
mod broken;
mod coding;
mod decoded;
#[cfg(all(feature = "reqwest", feature = "retry"))]
mod on_the_way;

use std::io;

use bytes::Bytes;
use futures_util::{FutureExt, Stream, stream};
use http::HeaderMap;
use midil_http::{Body, Error, Request, Response};

use self::coding::Coding;
use crate::support::over;

/// Some text that compresses, and takes several blocks.
fn text() -> Vec<u8> {
    (0..3000)
        .flat_map(|line| format!("line {line}: {}\n", line * 7919 % 1009).into_bytes())
        .collect()
}

/// Such pieces of `data`, as a transport may bring them.
fn pieces(data: &[u8], size: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let all: Vec<_> = data.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(all)
}

/// The response of a server that sends `body` with those headers.
fn receive(headers: &[(&'static str, &str)], body: Body) -> Result<Response, Error> {
    let mut response = http::Response::builder();
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = std::sync::Mutex::new(Some(response.body(body).expect("a good response")));
    let transport = move |_: Request| {
        let response = response.lock().expect("nobody panics").take();
        async move { Ok(response.expect("one request")) }
    };
    let client = over(transport).build().expect("a good client");
    client.get("/").send().now_or_never().expect("nothing waits")
}

/// What comes of `body` in those encodings.
fn decode(encodings: &str, body: impl Into<Body>) -> Result<Vec<u8>, Error> {
    let response = receive(&[("content-encoding", encodings)], body.into())?;
    response.bytes().now_or_never().expect("nothing waits").map(Vec::from)
}

/// The [`Error::Decode`] that this comes to, its cause included; panics for anything else.
#[track_caller]
fn decode_error<T>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(error @ Error::Decode(_)) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", cause.unwrap_or_default())
        }
        Err(error) => panic!("{error:?} is no Error::Decode"),
        Ok(_) => panic!("there is no error"),
    }
}

fn has(headers: &HeaderMap, name: &str) -> bool {
    headers.contains_key(name)
}

#[test]
fn the_doubles_are_what_they_seem() {
    for coding in Coding::ALL {
        let encoded = coding.encode(&text());
        assert!(encoded.len() < text().len() / 2, "{coding:?}");
    }
}
