//! [`Resumable`]: a response body that asks for its rest when it breaks off.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::Plan;
use super::resource::{Part, ended_early};
use crate::{Body, BoxFuture, Error, TimeoutKind};

/// The body of a download. What is under way goes with it when it is dropped.
pub(super) struct Resumable {
    stage: Stage,
}

enum Stage {
    Reading { body: Body, part: Part, plan: Box<Plan> },
    Resuming(BoxFuture<'static, Resumed>),
    Over,
}

/// The body that goes on, if there is one.
type Resumed = Result<(Body, Part, Box<Plan>), Error>;

impl Resumable {
    pub(super) const fn new(body: Body, part: Part, plan: Box<Plan>) -> Self {
        Self { stage: Stage::Reading { body, part, plan } }
    }

    /// What was read last is over, in an error or too early.
    fn resume(&mut self, error: Error) -> Result<(), Error> {
        // What is left of the old body goes first: whoever waits for its connection or its place may be the new one.
        let Stage::Reading { plan, .. } = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Err(error);
        };
        if matches!(&error, Error::Timeout(timeout) if timeout.kind() == TimeoutKind::Total) {
            return Err(error);
        }
        self.stage = Stage::Resuming(Box::pin(plan.resume(error)));
        Ok(())
    }

    fn end(&mut self) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.stage = Stage::Over;
        Poll::Ready(None)
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.stage = Stage::Over;
        Poll::Ready(Some(Err(error)))
    }
}

impl http_body::Body for Resumable {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let (body, part, plan) = match &mut self.stage {
                Stage::Over => return Poll::Ready(None),
                Stage::Resuming(resumption) => match ready!(resumption.as_mut().poll(cx)) {
                    Ok((body, part, plan)) => {
                        self.stage = Stage::Reading { body, part, plan };
                        continue;
                    }
                    Err(error) => return self.fail(error),
                },
                Stage::Reading { body, part, plan } => (body, part, plan),
            };
            let resource = &mut plan.resource;
            if resource.is_cut(part) {
                return self.end();
            }
            let broke = match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => match resource.take(part, data) {
                        Ok(data) if data.is_empty() => continue,
                        Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                        Err(error) => return self.fail(error),
                    },
                    Err(_) if resource.is_short(part) => continue,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(_)) if resource.is_complete() => return self.end(),
                Some(Err(error)) => error,
                None if resource.is_short(part) => ended_early(),
                None => return self.end(),
            };
            if let Err(error) = self.resume(broke) {
                return self.fail(error);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.stage {
            Stage::Over => true,
            Stage::Resuming(_) => false,
            Stage::Reading { body, part, plan } => {
                let is_over = body.is_end_stream() && !plan.resource.is_short(part);
                is_over || plan.resource.is_cut(part)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stage {
            Stage::Over => SizeHint::with_exact(0),
            Stage::Resuming(_) => SizeHint::new(),
            Stage::Reading { plan, .. } => {
                plan.resource.left().map_or_else(SizeHint::new, SizeHint::with_exact)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::{Attempt, HttpClient, Outcome, Phase, Request, RetryDecision, TimeoutError};

    /// A body that breaks off.
    struct Broken(std::array::IntoIter<Result<Frame<Bytes>, Error>, 2>);

    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            Poll::Ready(self.0.next())
        }
    }

    /// What a download comes to whose body breaks off with `kind`, and how often it was asked for: a transport may be a
    /// client of its own, with its own total timeout.
    fn download(kind: TimeoutKind) -> (Error, u32) {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let transport = move |_: Request| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                let timeout = TimeoutError::new(kind, Duration::from_secs(1), Phase::Body);
                let frames = [Ok(Frame::data("hello".into())), Err(timeout.into())];
                let response = http::Response::builder().header("etag", "\"a\"");
                Ok(response.body(Body::wrap(Broken(frames.into_iter()))).unwrap())
            }
        };
        let strategy = |attempt: &Attempt<'_>| match attempt.outcome {
            Outcome::Error(_) if attempt.number < 2 => {
                RetryDecision::Retry { after: Duration::ZERO }
            }
            _ => RetryDecision::Accept,
        };
        let client =
            HttpClient::builder(transport).base_url("http://a.test").retry(strategy).build();
        let call = async { client.unwrap().get("/").resumable(true).send().await?.text().await };
        let error = call.now_or_never().unwrap().unwrap_err();
        (error, asked.load(Ordering::Relaxed))
    }

    #[test]
    fn a_total_timeout_further_down_is_final_too() {
        let (error, asked) = download(TimeoutKind::Total);
        assert_eq!((error.kind(), asked), ("Timeout", 1));
        let (_, asked) = download(TimeoutKind::Progress);
        assert_eq!(asked, 2, "the rest of it");
    }
}
