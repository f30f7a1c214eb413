//! What a case works with: the transport under test, and ways to wait.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_timer::Delay;
use futures_util::future::{Either, select};
use midil_http_core::{
    Error, HttpClient, HttpClientBuilder, ProxySettings, Transport, TransportSettings,
};

use super::requests::{get, read};
use super::verdict::Failure;
use crate::fault_server::{FaultServer, Reply};

/// Makes the transport under test.
pub(super) type Make =
    Arc<dyn Fn(&TransportSettings) -> Result<Arc<dyn Transport>, Error> + Send + Sync>;

/// The transport under test, for one case.
pub(super) struct Bench {
    make: Make,
    /// What the case waits for, for the message when it is in vain.
    waiting_for: Mutex<Option<String>>,
    common: Arc<OnceLock<Common>>,
}

/// What all cases share: a transport with the default settings, and a server that says hello.
pub(super) struct Common {
    server: FaultServer,
    transport: Arc<dyn Transport>,
}

impl Bench {
    pub(super) fn new(make: &Make, common: &Arc<OnceLock<Common>>) -> Self {
        let (make, common) = (Arc::clone(make), Arc::clone(common));
        Self { make, waiting_for: Mutex::new(None), common }
    }

    /// The settings that cases begin with: the defaults, but no proxy, whatever the environment says.
    pub(super) fn settings() -> TransportSettings {
        let mut settings = TransportSettings::default();
        settings.proxy = ProxySettings::Disabled;
        settings
    }

    /// The transport that all cases share: for those that look at one exchange, not at connections. To make one for each
    /// takes most of a suite's time.
    pub(super) fn common(&self) -> Result<Arc<dyn Transport>, Error> {
        self.shared().map(|common| Arc::clone(&common.transport))
    }

    fn shared(&self) -> Result<&Common, Error> {
        if let Some(common) = self.common.get() {
            return Ok(common);
        }
        let (server, transport) = (FaultServer::always(Reply::ok("hello")), self.transport()?);
        Ok(self.common.get_or_init(|| Common { server, transport }))
    }

    /// A transport with the default settings, for this case alone.
    pub(super) fn transport(&self) -> Result<Arc<dyn Transport>, Error> {
        self.transport_with(|_| {})
    }

    /// A transport with settings of the case's own.
    pub(super) fn transport_with(
        &self,
        change: impl FnOnce(&mut TransportSettings),
    ) -> Result<Arc<dyn Transport>, Error> {
        let mut settings = Self::settings();
        change(&mut settings);
        (self.make)(&settings)
    }

    /// Begins a client of `server`.
    pub(super) fn client(&self, server: &FaultServer) -> Result<HttpClientBuilder, Error> {
        Ok(HttpClient::builder(self.transport()?).base_url(server.url()))
    }

    /// Waits until `done`, without keeping the executor from the transport's own tasks.
    pub(super) async fn until(&self, what: &str, done: impl Fn() -> bool + Send) {
        const LOOK_AGAIN: Duration = Duration::from_millis(1);
        self.note(Some(what.to_owned()));
        while !done() {
            Delay::new(LOOK_AGAIN).await;
        }
        self.note(None);
    }

    /// Polls `future` until `done`, and hands it back. It is not to end before.
    pub(super) async fn drive<F>(
        &self,
        future: F,
        what: &str,
        done: impl Fn() -> bool + Send,
    ) -> Result<F, Failure>
    where
        F: Future + Unpin + Send,
        F::Output: Send,
    {
        match select(future, pin!(self.until(what, done))).await {
            Either::Right(((), future)) => Ok(future),
            Either::Left(_) => Err(Failure(format!("it ended before {what} was seen"))),
        }
    }

    /// Gives whatever else could happen now every chance to: another transport makes some calls meanwhile.
    ///
    /// It is for what must not happen, and for what happens on the transport's own tasks and cannot be seen.
    pub(super) async fn settle(&self) -> Result<(), Failure> {
        const CALLS: usize = 5;
        let common = self.shared()?;
        for _ in 0..CALLS {
            read(common.transport.send(get(&common.server.url())).await?).await?;
        }
        Ok(())
    }

    /// Waits until `count` has not grown for a while, and returns it.
    pub(super) async fn still(&self, what: &str, count: impl Fn() -> u64) -> Result<u64, Failure> {
        const LOOKS: usize = 20;
        self.note(Some(format!("{what} to stand still")));
        let (mut last, mut same) = (count(), 0);
        while same < LOOKS {
            self.settle().await?;
            Delay::new(Duration::from_millis(1)).await;
            let now = count();
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        self.note(None);
        Ok(last)
    }

    pub(super) fn waiting_for(&self) -> Option<String> {
        self.waiting_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, what: Option<String>) {
        *self.waiting_for.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}
