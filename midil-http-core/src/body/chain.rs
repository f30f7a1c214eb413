//! Several bodies, one after the other, as one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use super::announced::Announced;
use super::boxed::BoxedBody;
use super::replayable::Replayable;
use super::{Body, CHUNK, Kind};
use crate::Error;

impl Body {
    /// All `pieces`, in their order: of known length when all of them are, replayable when all of them are.
    ///
    /// Trailers of a piece are passed over.
    pub(crate) fn chain(pieces: Vec<Self>) -> Self {
        let length = pieces.iter().map(Self::length).sum::<Option<u64>>();
        if let Some(bytes) = in_one_piece(&pieces, length) {
            return bytes.into();
        }
        if pieces.iter().any(|piece| piece.try_clone().is_none()) {
            return Self::wrap(Chain::new(pieces));
        }
        Self(Kind::Replayable(Box::new(Replayable::new(length, move || {
            let pieces = pieces.iter().map(|piece| piece.try_clone().unwrap_or_default());
            BoxedBody::new(Chain::new(pieces.collect()))
        }))))
    }
}

/// What is in memory and small is copied together: a transport need not make a stream of it.
fn in_one_piece(pieces: &[Body], length: Option<u64>) -> Option<Bytes> {
    let length = usize::try_from(length?).ok().filter(|length| *length <= CHUNK)?;
    let mut all = BytesMut::with_capacity(length);
    for piece in pieces.iter().filter(|piece| !matches!(piece.0, Kind::Empty)) {
        all.extend_from_slice(piece.as_bytes()?);
    }
    Some(all.freeze())
}

/// The pieces as they are read.
struct Chain {
    rest: std::vec::IntoIter<Body>,
    current: Body,
    /// What the current piece was said to have: the length of the whole was made of it.
    announced: Announced,
    /// The length of those that are still to come.
    ahead: Option<u64>,
}

impl Chain {
    fn new(pieces: Vec<Body>) -> Self {
        let ahead = pieces.iter().map(Body::length).sum();
        Self {
            rest: pieces.into_iter(),
            current: Body::empty(),
            announced: Announced::new(Some(0)),
            ahead,
        }
    }

    /// Goes on to the next piece, if there is one.
    fn advance(&mut self) -> Option<()> {
        self.current = self.rest.next()?;
        let length = self.current.length();
        self.announced = Announced::new(length);
        self.ahead = match (self.ahead, length) {
            (Some(ahead), Some(length)) => Some(ahead.saturating_sub(length)),
            // Those of unknown length may be behind us now.
            _ => self.rest.as_slice().iter().map(Body::length).sum(),
        };
        Some(())
    }
}

impl http_body::Body for Chain {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            match ready!(Pin::new(&mut self.current).poll_frame(cx)) {
                Some(frame) => match frame.map(Frame::into_data) {
                    Ok(Ok(data)) if data.is_empty() => {}
                    Ok(Ok(data)) => {
                        return Poll::Ready(Some(self.announced.add(data).map(Frame::data)));
                    }
                    Ok(Err(_trailers)) => {}
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
                None => {
                    if let Err(error) = self.announced.end() {
                        return Poll::Ready(Some(Err(error)));
                    }
                    if self.advance().is_none() {
                        return Poll::Ready(None);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_slice().is_empty() && self.current.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match (self.announced.left().exact(), self.ahead) {
            (Some(left), Some(ahead)) => SizeHint::with_exact(left.saturating_add(ahead)),
            _ => SizeHint::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};

    use super::*;

    fn pieces(text: &[&'static str]) -> Vec<Body> {
        text.iter().map(|text| Body::from(*text)).collect()
    }

    fn read(body: Body) -> Result<Bytes, Error> {
        body.collect(u64::MAX).now_or_never().expect("nothing to wait for")
    }

    #[test]
    fn what_is_small_and_in_memory_is_one_piece() {
        let body = Body::chain(pieces(&["ab", "", "c"]));
        assert_eq!(body.as_bytes().map(|bytes| &**bytes), Some(&b"abc"[..]));
    }

    #[test]
    fn what_is_large_is_not_copied_and_can_be_sent_again() {
        let large = Bytes::from(vec![7; CHUNK]);
        let body = Body::chain(vec!["a".into(), large.clone().into(), "b".into()]);
        assert_eq!(body.length(), Some(65_538));
        for mut copy in [body.try_clone().unwrap(), body] {
            let mut seen = Vec::new();
            while let Some(chunk) = copy.chunk().now_or_never().unwrap().unwrap() {
                let left = copy.length().unwrap();
                seen.push((chunk.len(), left));
                assert!(chunk.len() == 1 || chunk.as_ptr() == large.as_ptr());
            }
            assert_eq!(seen, [(1, 65_537), (65_536, 1), (1, 0)]);
            assert!(http_body::Body::is_end_stream(&copy));
        }
    }

    #[test]
    fn one_stream_makes_it_a_stream_and_one_unknown_length_makes_it_unknown() {
        let text = || stream::iter([Ok::<_, std::io::Error>("cd")]);
        let once = Body::chain(vec!["ab".into(), Body::stream_with_length(text(), 2)]);
        assert!(once.try_clone().is_none());
        assert_eq!(once.length(), Some(4));
        assert_eq!(read(once).unwrap(), "abcd");
        let mut unknown = Body::chain(vec![Body::replayable(None, text), "ef".into()]);
        assert_eq!(unknown.length(), None);
        assert_eq!(read(unknown.try_clone().unwrap()).unwrap(), "cdef");
        while unknown.chunk().now_or_never().unwrap().unwrap().is_some() {}
        assert_eq!(unknown.length(), Some(0), "what is left is known once the unknown is over");
    }

    #[test]
    fn a_piece_is_held_to_the_length_that_it_announced_be_it_what_it_may() {
        struct Liar(Body);
        impl http_body::Body for Liar {
            type Data = Bytes;
            type Error = Error;
            fn poll_frame(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
                Pin::new(&mut self.0).poll_frame(cx)
            }
            fn size_hint(&self) -> SizeHint {
                SizeHint::with_exact(3)
            }
        }
        for text in ["ab", "abcd"] {
            let body = Body::chain(vec![Body::wrap(Liar(text.into())), "e".into()]);
            assert_eq!(body.length(), Some(4));
            assert!(matches!(read(body), Err(Error::Body(_))), "{text}");
        }
    }
}
