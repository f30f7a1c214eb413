use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_io::AsyncRead;
use futures_util::{AsyncBufReadExt, AsyncReadExt, FutureExt, stream};

use super::*;
use crate::{DecodeError, Phase, Sent, TimeoutError, TimeoutKind, TransportError};

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

/// Yields these in turn, then the end.
struct Script(Vec<io::Result<&'static [u8]>>);

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.0.is_empty() {
            return Poll::Ready(Ok(0));
        }
        Poll::Ready(self.0.remove(0).map(|piece| {
            buffer[..piece.len()].copy_from_slice(piece);
            piece.len()
        }))
    }
}

fn script() -> Script {
    Script(vec![Ok(b"ab"), Err(ErrorKind::Interrupted.into()), Ok(b"c")])
}

#[test]
fn a_reader_is_a_body_that_can_be_read_once() {
    let body = Body::reader(script());
    assert!(body.try_clone().is_none() && body.length().is_none());
    assert_eq!(now(body.collect(9)).unwrap(), "abc");
    assert_eq!(now(Body::reader(Script(vec![])).collect(9)).unwrap(), "");
}

#[test]
fn a_reader_is_held_to_the_length_that_was_announced() {
    let body = Body::reader_with_length(script(), 3);
    assert_eq!(body.length(), Some(3));
    assert_eq!(now(body.collect(9)).unwrap(), "abc");
    for length in [2, 4] {
        let body = Body::reader_with_length(script(), length);
        assert!(matches!(now(body.collect(9)), Err(Error::Body(_))));
    }
}

#[test]
fn a_reader_that_fails_is_a_body_error_with_its_cause() {
    let body = Body::reader(Script(vec![Ok(b"ab"), Err(io::Error::other("unplugged"))]));
    let error = now(body.collect(9)).unwrap_err();
    assert!(matches!(error, Error::Body(_)));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "unplugged");
}

#[test]
fn large_pieces_are_handed_on_and_small_ones_do_not_keep_the_buffer() {
    let large = vec![7; 3 * CHUNK];
    let mut body = Body::reader(futures_util::io::Cursor::new(large.clone()));
    let mut sizes = Vec::new();
    while let Some(chunk) = now(body.chunk()).unwrap() {
        sizes.push(chunk.len());
    }
    assert_eq!(sizes, [CHUNK; 3]);
    let mut buffer = vec![1; CHUNK];
    assert_eq!(take_piece(&mut buffer, 5), &[1; 5][..]);
    assert_eq!(buffer.len(), CHUNK, "the buffer is used again");
    assert_eq!(take_piece(&mut buffer, CHUNK).len(), CHUNK);
    assert!(buffer.is_empty(), "the buffer was given away");
}

fn pieces(parts: &[&'static str]) -> Body {
    Body::stream(stream::iter(
        parts.iter().map(|part| Ok::<_, io::Error>(*part)).collect::<Vec<_>>(),
    ))
}

#[test]
fn a_body_is_read_whatever_its_pieces_and_the_readers() {
    for size in 1..8 {
        let mut reader = pieces(&["ab", "", "cde", "f"]).into_reader();
        let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            match now(reader.read(&mut buffer)).unwrap() {
                0 => break,
                length => all.extend_from_slice(&buffer[..length]),
            }
        }
        assert_eq!(all, b"abcdef", "{size}");
        assert_eq!(now(reader.read(&mut buffer)).unwrap(), 0, "the end stays the end");
    }
    let mut reader = pieces(&["ab"]).into_reader();
    assert_eq!(now(reader.read(&mut [])).unwrap(), 0);
    let mut text = String::new();
    now(reader.read_to_string(&mut text)).unwrap();
    assert_eq!(text, "ab");
}

#[test]
fn what_was_buffered_is_not_lost() {
    let mut reader = pieces(&["one\ntw", "o"]).into_reader();
    let mut line = String::new();
    now(reader.read_line(&mut line)).unwrap();
    assert_eq!(now(reader.into_body().collect(9)).unwrap(), "two");
}

#[test]
fn what_breaks_off_is_an_io_error_around_ours() {
    let transport = |kind| Error::from(TransportError::new(kind, Sent::Maybe, "it failed"));
    let timeout = TimeoutError::new(TimeoutKind::Progress, Duration::from_secs(1), Phase::Body);
    for (error, kind) in [
        (transport(TransportErrorKind::Closed), ErrorKind::UnexpectedEof),
        (transport(TransportErrorKind::Reset), ErrorKind::ConnectionReset),
        (transport(TransportErrorKind::Protocol), ErrorKind::Other),
        (timeout.into(), ErrorKind::TimedOut),
        (DecodeError::new("gzip", "no gzip").into(), ErrorKind::InvalidData),
        (Error::Closed, ErrorKind::Other),
    ] {
        let (name, body) = (error.kind(), Failing(Some(error)));
        let mut reader = Body::wrap(body).into_reader();
        let error = now(reader.read(&mut [0; 9])).unwrap_err();
        assert_eq!(error.kind(), kind);
        let inner = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        assert_eq!(inner.map(Error::kind), Some(name));
    }
}

/// A body that breaks off at once.
struct Failing(Option<Error>);

impl http_body::Body for Failing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}
