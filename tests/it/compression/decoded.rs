//! What is decoded, and what comes as it was sent.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method};
use http_body::Frame;
use midil_http::{Body, Error};
use midil_http_test::{MockTransport, Reply};

use super::coding::Coding;
use super::{decode, decode_error, has, pieces, receive, text};
use crate::support::over;

#[test]
fn a_body_is_decoded_and_its_headers_say_so() {
    for coding in Coding::enabled() {
        let encoded = coding.encode(&text());
        let length = encoded.len().to_string();
        let headers = [
            ("content-encoding", coding.name()),
            ("content-length", &*length),
            ("content-type", "text/plain"),
            ("vary", "accept-encoding"),
            ("etag", "\"1\""),
        ];
        let response = receive(&headers, encoded.into()).unwrap();
        for (name, kept) in [
            ("content-encoding", false),
            ("content-length", false),
            ("content-type", true),
            ("vary", true),
            ("etag", true),
        ] {
            assert_eq!(has(response.headers(), name), kept, "{coding:?}: {name}");
        }
        assert_eq!(response.bytes().now_or_never().unwrap().unwrap(), text(), "{coding:?}");
    }
}

#[test]
fn however_it_is_cut_into_pieces() {
    for coding in Coding::enabled() {
        let encoded = coding.encode(&text());
        for size in [1, 2, 3, 7, 1000, encoded.len() - 1] {
            let body = Body::stream(pieces(&encoded, size));
            assert_eq!(decode(coding.name(), body).unwrap(), text(), "{coding:?} by {size}");
        }
        // With empty pieces between.
        let body = pieces(&encoded, 100).flat_map(|piece| stream::iter([Ok(Bytes::new()), piece]));
        assert_eq!(decode(coding.name(), Body::stream(body)).unwrap(), text(), "{coding:?}");
    }
}

#[test]
fn several_encodings_are_undone_in_their_order() {
    let all: Vec<_> = Coding::enabled().collect();
    for first in &all {
        for second in &all {
            let encoded = second.encode(&first.encode(&text()));
            let named = format!("{}, {}", first.name(), second.name());
            assert_eq!(decode(&named, encoded.clone()).unwrap(), text(), "{named}");
            let headers = [("content-encoding", first.name()), ("content-encoding", second.name())];
            let response = receive(&headers, encoded.into()).unwrap();
            assert_eq!(response.bytes().now_or_never().unwrap().unwrap(), text(), "{named}");
        }
    }
}

#[test]
fn names_have_other_forms() {
    for coding in Coding::enabled() {
        let encoded = coding.encode(&text());
        let name = coding.name();
        let upper = name.to_uppercase();
        let identity = format!("identity, {name} ,, identity");
        for form in [upper, identity, format!("\t{name} ")] {
            assert_eq!(decode(&form, encoded.clone()).unwrap(), text(), "{form:?}");
        }
    }
    if Coding::Gzip.is_enabled() {
        let encoded = Coding::Gzip.encode(b"hello");
        assert_eq!(decode("x-gzip", encoded.clone()).unwrap(), b"hello");
        assert_eq!(decode("X-GZIP", encoded).unwrap(), b"hello");
    }
}

#[test]
fn an_encoding_that_is_not_known_is_handed_over() {
    let known = Coding::enabled().next().map_or("identity", Coding::name);
    for named in ["compress".to_owned(), format!("{known}, aes128gcm"), format!("dcz, {known}")] {
        let response =
            receive(&[("content-encoding", &*named), ("content-length", "5")], Body::from("bytes"));
        let response = response.unwrap();
        assert_eq!(response.headers()["content-encoding"], named);
        assert_eq!(response.headers()["content-length"], "5");
        assert_eq!(response.bytes().now_or_never().unwrap().unwrap(), "bytes");
    }
    let response = receive(&[("content-encoding", "identity")], Body::from("bytes")).unwrap();
    assert_eq!(response.bytes().now_or_never().unwrap().unwrap(), "bytes");
    for coding in Coding::ALL.into_iter().filter(|coding| !coding.is_enabled()) {
        let encoded = coding.encode(b"hello");
        assert_eq!(decode(coding.name(), encoded.clone()).unwrap(), encoded, "{coding:?}");
    }
}

#[test]
fn members_and_frames_follow_one_another() {
    if Coding::Gzip.is_enabled() {
        let parts =
            [Coding::Gzip.encode(b"one, "), Coding::Gzip.encode(b""), Coding::Gzip.encode(b"two")];
        for size in [1, 5, 1000] {
            let body = Body::stream(pieces(&parts.concat(), size));
            assert_eq!(decode("gzip", body).unwrap(), b"one, two");
        }
    }
    if Coding::Zstd.is_enabled() {
        let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let (one, two) = (Coding::Zstd.encode(b"one, "), Coding::Zstd.encode(b"two"));
        let all = [skippable.clone(), one, skippable.clone(), two, skippable].concat();
        for size in [1, 5, 1000] {
            let body = Body::stream(pieces(&all, size));
            assert_eq!(decode("zstd", body).unwrap(), b"one, two", "by {size}");
        }
    }
}

#[test]
fn the_header_of_a_gzip_member_may_hold_more() {
    if !Coding::Gzip.is_enabled() {
        return;
    }
    let plain = Coding::Gzip.encode(b"hello");
    // FEXTRA, FNAME and FCOMMENT (RFC 1952, section 2.3).
    let mut header = plain[..10].to_vec();
    header[3] = 0b1_1100;
    header.extend_from_slice(b"\x02\x00ab");
    header.extend_from_slice(b"name\0a comment\0");
    let all = [&header, &plain[10..]].concat();
    for size in [1, 1000] {
        assert_eq!(decode("gzip", Body::stream(pieces(&all, size))).unwrap(), b"hello");
    }
}

#[test]
fn no_body_is_nothing_to_decode() {
    for coding in Coding::enabled() {
        assert_eq!(decode(coding.name(), Body::empty()).unwrap(), b"", "{coding:?}");
        // Known to be empty only once it is read.
        let body = Body::stream(stream::iter([Ok::<_, std::io::Error>(Bytes::new())]));
        assert_eq!(decode(coding.name(), body).unwrap(), b"", "{coding:?}");
        // Nothing, encoded.
        assert_eq!(decode(coding.name(), coding.encode(b"")).unwrap(), b"", "{coding:?}");
    }
}

#[tokio::test]
async fn responses_that_have_no_body_keep_their_headers() {
    let name = Coding::enabled().next().map_or("gzip", Coding::name);
    for (method, status) in
        [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304), (Method::GET, 206)]
    {
        let body = if status == 206 { Body::from("a part") } else { Body::empty() };
        let reply = Reply::status(status)
            .header("content-encoding", name)
            .header("content-length", "6")
            .body(body);
        let client = over(MockTransport::sequence([reply])).build().unwrap();
        let response = client.request(method.clone(), "/").send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], name, "{method} {status}");
        assert_eq!(response.headers()["content-length"], "6", "{method} {status}");
        let expected = if status == 206 { "a part" } else { "" };
        assert_eq!(response.bytes().await.unwrap(), expected);
    }
}

/// The data, then the trailers.
struct WithTrailers(Vec<Frame<Bytes>>);

impl http_body::Body for WithTrailers {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Error>>> {
        std::task::Poll::Ready(self.0.pop().map(Ok))
    }
}

#[test]
fn trailers_pass_after_the_data() {
    for coding in Coding::enabled() {
        for text in [text(), Vec::new()] {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-checksum", HeaderValue::from_static("abc"));
            let data = if text.is_empty() { Bytes::new() } else { coding.encode(&text).into() };
            let body = WithTrailers(vec![Frame::trailers(trailers.clone()), Frame::data(data)]);
            let response = receive(&[("content-encoding", coding.name())], Body::wrap(body));
            let mut body = response.unwrap().into_http().into_body();
            let mut received = Vec::new();
            let last = loop {
                let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
                match frame.into_data() {
                    Ok(data) => received.extend_from_slice(&data),
                    Err(frame) => break frame.into_trailers().unwrap(),
                }
            };
            assert_eq!((received, last), (text, trailers), "{coding:?}");
            assert!(body.frame().now_or_never().unwrap().is_none());
        }
    }
}

#[test]
fn what_is_decoded_is_handed_over_in_small_pieces_and_at_once() {
    for coding in Coding::enabled() {
        let large = vec![7; 4 << 20];
        let response =
            receive(&[("content-encoding", coding.name())], coding.encode(&large).into());
        let mut response = response.unwrap();
        let mut received = 0;
        while let Some(piece) = response.chunk().now_or_never().unwrap().unwrap() {
            assert!(piece.len() <= 64 * 1024, "{coding:?}: {} bytes", piece.len());
            received += piece.len();
        }
        assert_eq!(received, large.len(), "{coding:?}");

        // The peer has sent nearly all and says no more: what can be decoded is there.
        let text = text().repeat(8);
        let encoded = coding.encode(&text);
        let some = Bytes::copy_from_slice(&encoded[..encoded.len() - 1]);
        let body = stream::iter([Ok::<_, std::io::Error>(some)]).chain(stream::pending());
        let response = receive(&[("content-encoding", coding.name())], Body::stream(body));
        let mut response = response.unwrap();
        let first = response.chunk().now_or_never().unwrap().unwrap().unwrap();
        assert!(text.starts_with(&first), "{coding:?}");
    }
}

#[test]
fn more_than_the_limit_is_an_error_that_names_it() {
    for coding in Coding::enabled() {
        let encoded = coding.encode(&vec![0; 4 << 20]);
        assert!(encoded.len() < 10_000, "{coding:?}: {}", encoded.len());
        let reply = Reply::ok().header("content-encoding", coding.name()).body(encoded);
        let client = over(MockTransport::always(reply)).max_response_bytes((4 << 20) - 1);
        let client = client.build().unwrap();
        let read = async { client.get("/").send().await?.bytes().await };
        let Err(Error::Limit(limit)) = read.now_or_never().unwrap() else {
            panic!("{coding:?}: no limit")
        };
        assert_eq!(limit.setting(), "max_response_bytes");
    }
}

#[test]
fn encodings_upon_encodings_have_an_end() {
    let Some(coding) = Coding::enabled().next() else { return };
    let names = |count: usize| vec![coding.name(); count].join(",");
    let encode = |count: usize| (0..count).fold(b"hello".to_vec(), |data, _| coding.encode(&data));
    assert_eq!(decode(&names(4), encode(4)).unwrap(), b"hello");
    let error = decode_error(decode(&names(5), encode(5)));
    assert!(error.contains("it names 5 encodings: 4 are decoded at most"), "{error}");
}
