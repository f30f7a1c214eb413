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
    /// Which exchange of the agent it is.
    number: usize,
    is_over: bool,
    _permit: Permit,
}

/// Why there is no head.
pub(crate) enum Failed {
    Isahc(isahc::Error),
    /// isahc's thread had ended before: nothing was sent.
    Ended,
    /// isahc's thread ended in the meantime.
    Lost,
}

impl Exchange {
    pub(crate) fn begin(lane: &Arc<Lane>, permit: Permit) -> Result<Self, Error> {
        let (agent, number) = lane.agent()?;
        Ok(Self { lane: Arc::clone(lane), agent, number, is_over: false, _permit: permit })
    }

    pub(crate) async fn send(
        &self,
        request: Request<AsyncBody>,
    ) -> Result<Response<AsyncBody>, Failed> {
        let Some(client) = self.agent.client() else { return Err(Failed::Ended) };
        let mut sending = quietly(|| client.send_async(request));
        let head = poll_fn(|cx| {
            let poll = || quietly(|| Pin::new(&mut sending).poll(cx));
            // isahc panics when its thread has ended.
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(Poll::Ready(head)) => Poll::Ready(head.map_err(Failed::Isahc)),
                Ok(Poll::Pending) if self.agent.watch(self.number, cx.waker()) => {
                    Poll::Ready(Err(Failed::Lost))
                }
                Ok(Poll::Pending) => Poll::Pending,
                Err(_) => Poll::Ready(Err(Failed::Ended)),
            }
        })
        .await;
        self.agent.unwatch(self.number);
        head
    }

    /// curl has nothing more to do for it.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }

    /// isahc's thread has ended: whoever comes next has another one.
    pub(crate) fn renew(&self) {
        self.lane.ended(&self.agent);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.agent.unwatch(self.number);
        self.lane.leave(&self.agent, !self.is_over);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use futures_executor::block_on;
    use midil_http_core::TransportSettings;
    use midil_http_test::fault_server::{FaultServer, Gate, Reply};
    use tracing::{Dispatch, dispatcher};

    use super::*;
    use crate::client::Recipe;
    use crate::turns::Turns;

    fn get(url: &str) -> Request<AsyncBody> {
        Request::get(url).body(AsyncBody::empty()).unwrap()
    }

    /// Whoever was under way on a thread that ends is told, whoever comes next has another thread.
    #[test]
    fn a_thread_that_ends_is_replaced() {
        let (lane, turns) =
            (Lane::new(Recipe::of(&TransportSettings::default()).unwrap().0), Turns::new(10));
        let begin = || Exchange::begin(&lane, block_on(turns.wait())).unwrap();
        let gate = Gate::new();
        let (silent, server) = (
            FaultServer::always(Reply::ok("").hold(&gate)),
            FaultServer::always(Reply::ok("hello")),
        );
        let exchange = begin();
        let url = silent.url();
        let (outcome, wait) = mpsc::channel();
        thread::spawn(move || {
            let failed = block_on(exchange.send(get(&url))).map(drop).unwrap_err();
            let is_told = match &failed {
                Failed::Isahc(error) => crate::failure::is_end_of_thread(error),
                Failed::Ended | Failed::Lost => true,
            };
            exchange.renew();
            outcome.send(is_told).unwrap();
        });
        silent.wait_for_requests(1);

        // The trap that `quiet` is for, without it: ends the thread.
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
        let doomed = begin();
        let client = doomed.agent.client().unwrap();
        assert!(block_on(client.get_async(server.url())).is_ok());
        let sent = catch_unwind(AssertUnwindSafe(|| {
            dispatcher::with_default(&Dispatch::none(), || block_on(client.get_async(server.url())))
        }));
        assert!(!matches!(sent, Ok(Ok(_))), "the trap is gone");

        assert!(wait.recv_timeout(Duration::from_secs(10)).unwrap());
        let next = begin();
        assert!(!Arc::ptr_eq(&next.agent, &doomed.agent));
        assert!(block_on(next.send(get(&server.url()))).is_ok());
        assert!(matches!(
            block_on(doomed.send(get(&server.url()))),
            Err(Failed::Ended | Failed::Lost)
        ));
    }
}
