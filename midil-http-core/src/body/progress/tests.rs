use std::sync::Mutex;

use futures_util::{FutureExt, stream};

use super::*;

/// Transferred and total, in their order.
type Steps = Vec<(u64, Option<u64>)>;

/// What an observer was told.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Steps>>);

impl Seen {
    fn observer(&self) -> impl Fn(Progress) + Send + Sync + 'static {
        let seen = self.clone();
        move |progress| {
            seen.0.lock().unwrap().push((progress.transferred(), progress.total()));
        }
    }

    fn take(&self) -> Steps {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn read(body: Body) -> Bytes {
    body.collect(u64::MAX).now_or_never().expect("nothing to wait for").unwrap()
}

fn pieces() -> impl futures_core::Stream<Item = Result<&'static str, std::io::Error>> + Send {
    stream::iter([Ok("ab"), Ok(""), Ok("cde")])
}

#[test]
fn every_kind_tells_of_its_pieces_and_stays_what_it_is() {
    let file = || Body::replayable(Some(5), pieces);
    for (what, body, total, again) in [
        ("a factory", file(), Some(5), true),
        ("a factory of unknown length", Body::replayable(None, pieces), None, true),
        ("a stream", Body::stream(pieces()), None, false),
        ("a stream of some length", Body::stream_with_length(pieces(), 5), Some(5), false),
    ] {
        let seen = Seen::default();
        let body = body.on_progress(seen.observer());
        assert_eq!((body.length(), body.try_clone().is_some()), (total, again), "{what}");
        assert!(seen.take().is_empty(), "nothing was read yet");
        for copy in [body.try_clone(), Some(body)].into_iter().flatten() {
            assert_eq!(read(copy), "abcde");
            assert_eq!(seen.take(), [(2, total), (5, total)], "{what}");
        }
    }
}

#[test]
fn bytes_move_in_pieces_that_can_be_seen() {
    let seen = Seen::default();
    let body = Body::from(vec![7; 150_000]).on_progress(seen.observer());
    let copy = body.try_clone().unwrap();
    for mut body in [copy, body] {
        let mut left = Vec::new();
        while body.chunk().now_or_never().unwrap().unwrap().is_some() {
            left.push(body.length());
        }
        let total = Some(150_000);
        assert_eq!(seen.take(), [(65_536, total), (131_072, total), (150_000, total)]);
        assert_eq!(left, [Some(84_464), Some(18_928), Some(0)]);
        assert!(http_body::Body::is_end_stream(&body));
    }
}

#[test]
fn nothing_has_nothing_to_tell_and_stays_nothing() {
    let seen = Seen::default();
    for body in [Body::empty(), Body::from("")] {
        let body = body.on_progress(seen.observer());
        assert!(matches!(body.0, Kind::Empty));
        assert!(read(body).is_empty());
    }
    assert!(seen.take().is_empty());
}

#[test]
fn a_lent_stream_under_observation_is_still_lent() {
    let seen = Seen::default();
    let mut original = Body::stream(pieces()).on_progress(seen.observer());
    original.prepare();
    drop(original.lend());
    assert!(original.is_whole() && seen.take().is_empty());
    assert_eq!(read(original.lend().unwrap()), "abcde");
    assert!(!original.is_whole());
    assert_eq!(seen.take().len(), 2);
}

#[test]
fn trailers_pass() {
    struct Trailers(bool);
    impl http_body::Body for Trailers {
        type Data = Bytes;
        type Error = Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            let first = !std::mem::replace(&mut self.0, true);
            Poll::Ready(first.then(|| Ok(Frame::trailers(http::HeaderMap::new()))))
        }
    }
    let seen = Seen::default();
    let mut body = Body::wrap(Trailers(false)).on_progress(seen.observer());
    let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
    assert!(frame.is_trailers() && seen.take().is_empty());
}
