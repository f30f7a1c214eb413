//! [`Decoded`]: a body without its encoding.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;

use super::encoding::{Decoder, Encoding};
use super::source::Source;
use crate::{Body, BoxError, DecodeError, Error};

/// How much is decoded at a time, whatever the data grows to.
const PIECE: usize = 32 * 1024;

/// Decodes a body as it is read. Trailers pass after the data; what the body broke off with stays what it is.
pub(super) struct Decoded {
    encoding: Encoding,
    stage: Stage,
}

enum Stage {
    /// Nothing came yet. A body without any data decodes to nothing: servers announce an encoding for those, too.
    Waiting(Source),
    Decoding(Box<dyn Decoder>, BytesMut),
    /// All is decoded; but for trailers, nothing may follow.
    Ending(Box<dyn Decoder>),
    Done,
}

impl Decoded {
    pub(super) const fn new(body: Body, encoding: Encoding) -> Self {
        Self { encoding, stage: Stage::Waiting(Source::new(body)) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Error>> {
        loop {
            match &mut self.stage {
                Stage::Waiting(source) => {
                    let Some(first) = ready!(source.poll_more(cx))?.first().copied() else {
                        let trailers = source.take_trailers();
                        self.stage = Stage::Done;
                        return Poll::Ready(Ok(trailers.map(Frame::trailers)));
                    };
                    let Stage::Waiting(source) = std::mem::replace(&mut self.stage, Stage::Done)
                    else {
                        return Poll::Ready(Ok(None));
                    };
                    let decoder =
                        self.encoding.open(source, first).map_err(|why| self.invalid(why))?;
                    self.stage = Stage::Decoding(decoder, BytesMut::new());
                }
                Stage::Decoding(decoder, buffer) => {
                    if buffer.is_empty() {
                        buffer.resize(PIECE, 0);
                    }
                    match Pin::new(&mut **decoder).poll_read(cx, buffer) {
                        Poll::Ready(Ok(0)) => {
                            let Stage::Decoding(decoder, _) =
                                std::mem::replace(&mut self.stage, Stage::Done)
                            else {
                                return Poll::Ready(Ok(None));
                            };
                            self.stage = Stage::Ending(decoder);
                        }
                        Poll::Ready(Ok(length)) => {
                            let piece = buffer.split_to(length).freeze();
                            return Poll::Ready(Ok(Some(Frame::data(piece))));
                        }
                        Poll::Ready(Err(error)) => {
                            // What a decoder says where its data breaks off differs, and says little.
                            return Poll::Ready(Err(if decoder.source().is_ended() {
                                self.invalid("it breaks off before its end")
                            } else {
                                self.invalid(error)
                            }));
                        }
                        Poll::Pending => match decoder.source().take_failure() {
                            Some(error) => return Poll::Ready(Err(error)),
                            None => return Poll::Pending,
                        },
                    }
                }
                Stage::Ending(decoder) => {
                    let source = decoder.source();
                    if !ready!(source.poll_more(cx))?.is_empty() {
                        return Poll::Ready(Err(self.invalid("something follows after its end")));
                    }
                    let trailers = source.take_trailers();
                    self.stage = Stage::Done;
                    return Poll::Ready(Ok(trailers.map(Frame::trailers)));
                }
                Stage::Done => return Poll::Ready(Ok(None)),
            }
        }
    }

    fn invalid(&self, why: impl Into<BoxError>) -> Error {
        DecodeError::new(self.encoding.name(), why).into()
    }
}

impl http_body::Body for Decoded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(self.poll(cx));
        if frame.is_err() {
            // Drops what is left of the body, which aborts the exchange.
            self.stage = Stage::Done;
        }
        Poll::Ready(frame.transpose())
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }
}
