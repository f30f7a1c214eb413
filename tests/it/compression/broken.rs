//! Data that is not what it should be: always an error, and never silently short.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use midil_http::{Body, Error, Sent, TransportError, TransportErrorKind};

use super::coding::Coding;
use super::{decode, decode_error, pieces, receive, text};

#[test]
fn data_that_breaks_off_is_an_error_wherever() {
    for coding in Coding::enabled() {
        for (whole, sizes) in [(text(), &[1000][..]), (b"hello".repeat(9), &[1000, 1])] {
            let encoded = coding.encode(&whole);
            let step = encoded.len().div_ceil(100);
            let tail = encoded.len().saturating_sub(20).max(1);
            for cut in (1..encoded.len()).step_by(step).chain(tail..encoded.len()) {
                for size in sizes.iter().copied() {
                    let body = Body::stream(pieces(&encoded[..cut], size));
                    let error = decode_error(decode(coding.name(), body));
                    let start = format!("the response body is not valid {}:", coding.name());
                    assert!(error.starts_with(&start), "{coding:?} at {cut}: {error}");
                    assert!(
                        error.contains("breaks off before its end"),
                        "{coding:?} at {cut}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_was_decoded_before_is_handed_over_first() {
    for coding in Coding::enabled() {
        let text = text().repeat(8);
        let encoded = coding.encode(&text);
        let cut = Bytes::copy_from_slice(&encoded[..encoded.len() - 1]);
        let reset = || TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "reset").into();
        let broken = http_body_frames(vec![Ok(cut.clone()), Err(reset())]);
        for (body, kind) in [(Body::from(cut), "Decode"), (broken, "Transport")] {
            let response = receive(&[("content-encoding", coding.name())], body);
            let mut response = response.unwrap();
            let mut received = Vec::new();
            let outcome = response.read_to_end(&mut received).now_or_never().unwrap();
            assert_eq!(outcome.unwrap_err().kind(), kind, "{coding:?}");
            assert!(text.starts_with(&received), "{coding:?}");
            assert!(!received.is_empty(), "{coding:?}");
            // The error was the end.
            assert!(response.chunk().now_or_never().unwrap().unwrap().is_none());
        }
    }
}

/// A transport's body: its errors pass as they are.
fn http_body_frames(frames: Vec<Result<Bytes, Error>>) -> Body {
    struct Frames(std::vec::IntoIter<Result<Bytes, Error>>);
    impl http_body::Body for Frames {
        type Data = Bytes;
        type Error = Error;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
            std::task::Poll::Ready(self.0.next().map(|piece| piece.map(http_body::Frame::data)))
        }
    }
    Body::wrap(Frames(frames.into_iter()))
}

#[test]
fn a_body_that_fails_before_and_after_its_data_fails_as_it_does() {
    let reset =
        || Error::from(TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "reset"));
    for coding in Coding::enabled() {
        let encoded = Bytes::from(coding.encode(b"hello"));
        for frames in [vec![Err(reset())], vec![Ok(encoded), Err(reset())]] {
            let error = decode(coding.name(), http_body_frames(frames)).unwrap_err();
            let Error::Transport(error) = error else { panic!("{coding:?}: {error:?}") };
            assert_eq!(error.kind(), TransportErrorKind::Reset, "{coding:?}");
        }
    }
}

/// Members and frames follow one another without anything between or behind (RFC 1952, section 2.2; RFC 8878, section 3);
/// the other formats know their end. What follows may be the data that somebody misses.
#[test]
fn what_follows_after_the_end_is_an_error() {
    for coding in Coding::enabled() {
        for garbage in [&b"x"[..], b"\0", b"\0\0\0\0\0\0\0\0\0\0\0\0", b"garbage and more of it"] {
            let encoded = [&coding.encode(b"hello"), garbage].concat();
            for size in [1, 1000] {
                decode_error(decode(coding.name(), Body::stream(pieces(&encoded, size))));
            }
            // In a piece of its own, after a while.
            let (first, rest) = encoded.split_at(encoded.len() - garbage.len());
            let body = pieces(first, 1000).chain(pieces(rest, 1000));
            decode_error(decode(coding.name(), Body::stream(body)));
        }
    }
    if Coding::Zlib.is_enabled() {
        let twice = [Coding::Zlib.encode(b"hello"), Coding::Zlib.encode(b"hello")].concat();
        let error = decode_error(decode("deflate", twice));
        assert!(error.contains("something follows after its end"), "{error}");
    }
}

#[test]
fn a_bit_that_flipped_is_found_where_there_is_a_checksum() {
    for coding in [Coding::Gzip, Coding::Zlib].into_iter().filter(|coding| coding.is_enabled()) {
        let text = b"hello, hello, hello, hello, world".to_vec();
        let encoded = coding.encode(&text);
        for at in 0..encoded.len() {
            for bit in 0..8 {
                let mut flipped = encoded.clone();
                flipped[at] ^= 1 << bit;
                match decode(coding.name(), flipped) {
                    // The time and the system in gzip's header say nothing of the data.
                    Ok(decoded) => assert_eq!(decoded, text, "{coding:?}: {at}, {bit}"),
                    Err(Error::Decode(_)) => {}
                    Err(error) => panic!("{coding:?}: {at}, {bit}: {error:?}"),
                }
            }
        }
    }
}

#[test]
fn garbage_ends_in_an_error_and_in_no_panic() {
    let mut state = 7_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    for coding in Coding::enabled() {
        decode_error(decode(coding.name(), "<html>not compressed at all</html>"));
        let (text, good) = (text(), coding.encode(&text()));
        for length in 1..200 {
            let mut garbage: Vec<u8> = (0..length).map(|_| random()).collect();
            let _ = decode(coding.name(), garbage.clone());
            // Behind a good beginning, too.
            let mut encoded = good[..length].to_vec();
            encoded.append(&mut garbage);
            let outcome = decode(coding.name(), encoded);
            assert!(!outcome.is_ok_and(|decoded| decoded == text), "{coding:?}");
        }
    }
}

#[test]
fn a_window_that_would_take_much_memory_is_refused() {
    if Coding::Zstd.is_enabled() {
        // A frame whose descriptor says a window, one raw block that is the last and empty (RFC 8878, section 3.1.1).
        let frame = |exponent: u8| vec![0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 1, 0, 0];
        assert_eq!(decode("zstd", frame(13)).unwrap(), b""); // 8 MiB
        for exponent in [14, 17, 31] {
            let error = decode_error(decode("zstd", frame(exponent)));
            assert!(error.starts_with("the response body is not valid zstd"), "{error}");
        }
        // In a second frame, too.
        decode_error(decode("zstd", [frame(13), frame(14)].concat()));
    }
    if Coding::Brotli.is_enabled() {
        // "Large windows", by bits that RFC 7932, section 9.1, reserves; then a last block without data.
        let error = decode_error(decode("br", vec![0x11, 0x1e, 0x03]));
        assert!(error.contains("a window of more than 16 MiB"), "{error}");
        decode_error(decode("br", vec![0x91, 0x1e, 0x03]));
    }
}

#[test]
fn a_body_of_which_nothing_more_comes_waits() {
    for coding in Coding::enabled() {
        let encoded = coding.encode(b"hello");
        for cut in [0, 1, encoded.len() - 1, encoded.len()] {
            let body = pieces(&encoded[..cut], 1000).chain(stream::pending());
            let response = receive(&[("content-encoding", coding.name())], Body::stream(body));
            assert!(response.unwrap().bytes().now_or_never().is_none(), "{coding:?} at {cut}");
        }
    }
}
