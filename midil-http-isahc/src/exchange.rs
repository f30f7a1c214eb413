//! [`Exchange`]: what one exchange holds, from its turn to the end of its body.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::{Request, Response};
use isahc::AsyncBody;
use midil_http_core::Error;

use crate::lane::{Agent, Lane};
use crate::quiet::quietly;
use crate::turns::Permit;

/// One exchange. Dropping it before its end breaks it off.
pub(crate) struct Exchange {
    lane: Arc<Lane>,
    agent: Arc<Agent>,
    is_over: bool,
    _permit: Permit,
}

/// Why there is no head.
pub(crate) enum Failed {
    Isahc(isahc::Error),
    /// isahc's thread had ended before: nothing was sent.
    Ended,
}

impl Exchange {
    pub(crate) fn begin(lane: &Arc<Lane>, permit: Permit) -> Result<Self, Error> {
        let agent = lane.agent()?;
        Ok(Self { lane: Arc::clone(lane), agent, is_over: false, _permit: permit })
    }

    pub(crate) async fn send(
        &self,
        request: Request<AsyncBody>,
    ) -> Result<Response<AsyncBody>, Failed> {
        let Some(client) = self.agent.client() else { return Err(Failed::Ended) };
        let mut sending = quietly(|| client.send_async(request));
        poll_fn(|cx| {
            // isahc panics when its thread has ended.
            let poll = || quietly(|| Pin::new(&mut sending).poll(cx));
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(poll) => poll.map_err(Failed::Isahc),
                Err(_) => Poll::Ready(Err(Failed::Ended)),
            }
        })
        .await
    }

    /// curl has nothing more to do for it.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }

    /// isahc's thread has ended: whoever comes next has another one.
    pub(crate) fn renew(&self) {
        self.lane.replace(&self.agent);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.lane.leave(&self.agent, !self.is_over);
    }
}
