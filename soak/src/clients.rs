//! The clients: one for each lane, over one transport; made anew now and then.

mod budget;
mod number;
mod provider;

use std::sync::Arc;
use std::time::Duration;

use midil_http::{
    Bulkhead, CircuitBreaker, CloseReport, DefaultRetryStrategy, Error, Hedge, HttpClient,
    HttpClientBuilder, RateLimit, Retry, RetryBudget, Transport, TransportSettings,
};

pub(crate) use budget::Counted;
pub(crate) use number::{Number, number};
pub(crate) use provider::Provider;

use crate::ledger::Ledger;
use crate::plan::Lane;
use crate::servers::Servers;
use crate::tally::Tally;
use crate::tokens::Asking;
use crate::transports::Make;

/// Longer than any server takes that says something, on any machine; and what a call takes that is lost.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Makes clients.
pub(crate) struct Maker {
    pub(crate) make: Make,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) servers: Arc<Servers>,
    pub(crate) tally: Arc<Tally>,
}

/// One for each lane.
#[derive(Clone)]
pub(crate) struct Clients {
    steady: HttpClient,
    hedged: HttpClient,
    brittle: HttpClient,
    /// The steady client's; it is given another cache of tokens now and then.
    pub(crate) provider: Provider,
    pub(crate) budget: Arc<Counted>,
}

impl Maker {
    pub(crate) fn clients(&self) -> Result<Clients, Error> {
        let transport = (self.make)(&settings())?;
        let servers = &self.servers;
        let provider = Provider::new(&transport, servers, Asking::Soak)?;
        let steady = self.steady(&transport, &provider).build()?;
        let hedge = Hedge::builder().delay(Duration::from_millis(4)).build()?;
        let hedged = self.steady(&transport, &provider).attempt_middleware(hedge).build()?;
        let budget = Arc::new(Counted::new(RetryBudget::builder().build()?));
        let brittle = self.brittle(&transport, servers, &budget)?.build()?;
        Ok(Clients { steady, hedged, brittle, provider, budget })
    }

    /// A client of its own, with a transport of its own.
    pub(crate) fn fresh(&self, provider: &Provider) -> Result<HttpClient, Error> {
        self.steady(&(self.make)(&settings())?, provider).build()
    }

    fn steady(&self, transport: &Arc<dyn Transport>, provider: &Provider) -> HttpClientBuilder {
        let retries = DefaultRetryStrategy::builder().backoff(soon).no_budget();
        HttpClient::builder(Arc::clone(transport))
            .base_url(self.servers.home.url())
            .allow_origin(self.servers.other.url())
            .auth(provider.clone())
            .retry(retries.build().expect("a good strategy"))
            .attempt_middleware(number)
            .timeout(TIMEOUT)
            .observer(Arc::clone(&self.ledger))
            .observer(Arc::clone(&self.tally))
    }

    fn brittle(
        &self,
        transport: &Arc<dyn Transport>,
        servers: &Servers,
        budget: &Arc<Counted>,
    ) -> Result<HttpClientBuilder, Error> {
        let retries = DefaultRetryStrategy::builder().backoff(soon).budget(Arc::clone(budget));
        let recovery = Duration::from_millis(50);
        let breaker = CircuitBreaker::builder().failure_threshold(5).recovery_timeout(recovery);
        let bulkhead = Bulkhead::builder().max_in_flight(4).max_waiting(3).max_wait(recovery);
        let limit = RateLimit::builder(100, Duration::from_secs(1)).burst(20).max_wait(recovery);
        let builder = HttpClient::builder(Arc::clone(transport))
            .base_url(servers.brittle.url())
            .auth(Provider::new(transport, servers, Asking::Brief)?)
            .retry(retries.build()?)
            .attempt_middleware(number)
            .attempt_middleware(bulkhead.build()?)
            .attempt_middleware(limit.build()?)
            .attempt_middleware(breaker.build()?)
            .timeout(TIMEOUT)
            .observer(Arc::clone(&self.ledger))
            .observer(Arc::clone(&self.tally));
        Ok(builder)
    }
}

impl Clients {
    pub(crate) fn of(&self, lane: Lane) -> &HttpClient {
        match lane {
            Lane::Steady => &self.steady,
            Lane::Hedged => &self.hedged,
            Lane::Brittle => &self.brittle,
        }
    }

    /// Closes all of them at once.
    pub(crate) async fn close_within(&self, grace: Duration) -> [CloseReport; 3] {
        let close = |lane| self.of(lane).close_within(grace);
        let (steady, hedged, brittle) =
            tokio::join!(close(Lane::Steady), close(Lane::Hedged), close(Lane::Brittle));
        [steady, hedged, brittle]
    }
}

fn soon(_: &Retry) -> Duration {
    Duration::from_millis(1)
}

/// Fewer places than there are calls at a time, and few connections to keep.
fn settings() -> TransportSettings {
    let mut settings = TransportSettings::default();
    settings.max_connections = 24;
    settings.max_keepalive_connections = 8;
    settings
}
