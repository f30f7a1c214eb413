use std::sync::Mutex;

use futures_util::{FutureExt, stream};
use http::HeaderMap;

use super::*;

/// What listeners heard, a line for each.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Ear(Heard, String);

impl Listener for Ear {
    fn data(&mut self, data: &Bytes) {
        self.1.push_str(&String::from_utf8_lossy(data));
    }

    fn over(&mut self, end: Option<Result<(), &Error>>) {
        let end = end.map(|end| end.map_err(Error::kind));
        self.0.0.lock().unwrap().push(format!("{} {end:?}", self.1));
    }
}

impl Heard {
    fn listening(&self) -> Listening {
        let heard = self.clone();
        Arc::new(move || Box::new(Ear(heard.clone(), String::new())))
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn once() -> Body {
    Body::stream_with_length(stream::iter([Ok::<_, std::io::Error>("ab"), Ok("cde")]), 5)
}

fn read(body: Body) -> Result<Bytes, Error> {
    body.collect(u64::MAX).now_or_never().expect("nothing to wait for")
}

#[test]
fn a_body_that_is_listened_to_stays_what_it_is() {
    let heard = Heard::default();
    let factory = || Body::replayable(Some(5), || stream::iter([Ok::<_, std::io::Error>("abcde")]));
    for (body, again) in [(once(), false), (factory(), true), (Body::from("abcde"), true)] {
        let body = body.tapped(heard.listening(), false);
        assert_eq!((body.length(), body.try_clone().is_some()), (Some(5), again));
        assert!(!http_body::Body::is_end_stream(&body));
        for body in [body.try_clone(), Some(body)].into_iter().flatten() {
            assert!(heard.take().is_empty(), "nothing was read yet");
            assert_eq!(read(body).unwrap(), "abcde");
            assert_eq!(heard.take(), ["abcde Some(Ok(()))"]);
        }
    }
}

#[test]
fn a_stream_that_is_listened_to_is_lent_until_somebody_reads() {
    let heard = Heard::default();
    let mut body = once();
    body.prepare();
    let attempt = || body.lend().unwrap().tapped(heard.listening(), false);
    assert!(attempt().is_lent_from(&body) && attempt().is_whole());
    drop(attempt());
    let replay = attempt().lend().expect("nobody has read");
    assert!(heard.take().is_empty(), "who has not read has nothing to tell");
    assert_eq!(read(replay).unwrap(), "abcde");
    assert_eq!(heard.take(), ["abcde Some(Ok(()))"]);
    assert!(body.lend().is_none());
}

#[test]
fn a_body_that_was_tapped_first_is_lent_with_its_listener() {
    let heard = Heard::default();
    let mut body = once().tapped(heard.listening(), false);
    body.prepare();
    let attempt = body.lend().unwrap();
    assert!(attempt.is_lent_from(&body) && body.is_whole());
    assert_eq!(read(attempt).unwrap(), "abcde");
    assert!(!body.is_whole());
    assert_eq!(heard.take(), ["abcde Some(Ok(()))"]);
}

#[test]
fn errors_and_trailers_pass_and_what_is_dropped_is_told() {
    let heard = Heard::default();
    let broken = stream::iter([Ok("ab"), Err(std::io::Error::other("broken"))]);
    assert!(read(Body::stream(broken).tapped(heard.listening(), true)).is_err());
    assert_eq!(heard.take(), ["ab Some(Err(\"Body\"))"]);

    let mut body = once().tapped(heard.listening(), true);
    body.chunk().now_or_never().unwrap().unwrap();
    drop(body);
    assert_eq!(heard.take(), ["ab None"]);
    drop(once().tapped(heard.listening(), true));
    assert_eq!(heard.take(), [" None"]);

    struct Trailers(bool);
    impl http_body::Body for Trailers {
        type Data = Bytes;
        type Error = Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            let first = std::mem::replace(&mut self.0, false);
            Poll::Ready(first.then(|| Ok(Frame::trailers(HeaderMap::new()))))
        }
    }
    let mut body = Body::wrap(Trailers(true)).tapped(heard.listening(), true);
    assert!(body.frame().now_or_never().unwrap().unwrap().unwrap().is_trailers());
    assert!(body.frame().now_or_never().unwrap().is_none());
    assert_eq!(heard.take(), [" Some(Ok(()))"]);
}
