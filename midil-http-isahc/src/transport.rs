//! [`IsahcTransport`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isahc::HttpClient;
use midil_http_core::{
    Body, Error, FromSettings, Request, Transport, TransportBuilder, TransportSettings,
    async_trait, in_line,
};

use crate::client::Recipe;
use crate::exchange::{Exchange, Failed};
use crate::lane::Lane;
use crate::request::{Outgoing, Rules};
use crate::turns::Turns;
use crate::{failure, response};

/// One exchange over [isahc], which is curl: HTTP/1.1, HTTP/2 and TLS, on any executor or none.
///
/// A clone is the same transport: it shares the connections and their limit.
///
/// | | |
/// |---|---|
/// | runtime | none: curl has a thread of its own, two where requests are sent that must not reach the server twice |
/// | connections | at most `max_connections` exchanges at a time, held until the body ends, which a short one does with its head; further ones wait in line |
/// | kept for reuse | at most `max_keepalive_connections` in all, for requests that are idempotent; every other request has a connection of its own, over HTTP/1.1 |
/// | proxy | that of the settings, by default of the environment as it is when the transport is built |
/// | headers | as given, and what framing needs; what curl cannot be kept from adding is in the README |
///
/// curl resends a request when a connection that it kept turns out to be dead. So only what may reach the server twice
/// goes over connections that are kept: what [is idempotent](midil_http_core::RequestHead::is_idempotent), and is not a
/// stream.
///
/// # From an `isahc::HttpClient`
///
/// What the builder of this crate does not offer (client certificates, DNS, unix sockets…) is set on isahc's own. Each
/// request then says for itself what isahc must not do: redirects, decompression, `Expect: 100-continue`, credentials,
/// timeouts. What no request can say stays as it is, and must not be set: a cookie jar, default headers, interceptors.
///
/// One client does for both sorts of requests: where a kept connection dies under one that is not idempotent, the call ends in
/// an error. With two, of which the second keeps no connections, it does not.
///
/// ```
/// use isahc::HttpClient;
/// use midil_http_isahc::IsahcTransport;
///
/// let one = IsahcTransport::from(HttpClient::new()?);
/// let two = IsahcTransport::from((
///     HttpClient::new()?,
///     HttpClient::builder().connection_cache_size(0).build()?,
/// ));
/// # Ok::<_, isahc::Error>(())
/// ```
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_isahc::IsahcTransport;
///
/// let transport = IsahcTransport::builder().connect_timeout(Duration::from_secs(2)).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct IsahcTransport(Arc<Inner>);

struct Inner {
    /// For requests that may be sent twice.
    keeping: Arc<Lane>,
    /// For all others: no connection is kept, so none can be dead.
    single: Arc<Lane>,
    rules: Rules,
    turns: Arc<Turns>,
    /// `None`: as the caller's client has it, which does not tell.
    connect_timeout: Option<Duration>,
}

impl IsahcTransport {
    /// A transport with the default [`TransportSettings`].
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when curl cannot be set up on this machine, or the environment names a proxy that is none.
    pub fn try_new() -> Result<Self, Error> {
        Self::from_settings(&TransportSettings::default())
    }

    /// Begins with the default settings.
    pub fn builder() -> TransportBuilder<Self> {
        TransportBuilder::new()
    }

    /// A transport with these settings.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be; or when curl cannot be set up on this machine.
    pub fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
        let (keeping, single) = Recipe::of(settings)?;
        let rules = Rules::of(settings)?;
        let keeping = Lane::new(keeping);
        // Whether there can be one is to be known now.
        keeping.leave(&keeping.agent()?.0, false);
        Ok(Self(Arc::new(Inner {
            keeping,
            single: Lane::new(single),
            rules,
            turns: Turns::new(settings.max_connections),
            connect_timeout: Some(settings.connect_timeout),
        })))
    }

    fn of_theirs(keeping: Arc<Lane>, single: Option<HttpClient>) -> Self {
        let rules = Rules::of_theirs(single.is_none());
        let single = single.map_or_else(|| Arc::clone(&keeping), Lane::of);
        let turns = Turns::new(TransportSettings::default().max_connections);
        Self(Arc::new(Inner { keeping, single, rules, turns, connect_timeout: None }))
    }
}

impl FromSettings for IsahcTransport {
    fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
        Self::from_settings(settings)
    }
}

#[async_trait]
impl Transport for IsahcTransport {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let inner = &*self.0;
        let Outgoing { request, upload, is_head, is_short, may_be_resent } =
            inner.rules.apply(request)?;
        let permit = in_line(inner.turns.wait()).await;
        let lane = if may_be_resent { &inner.keeping } else { &inner.single };
        let exchange = Exchange::begin(lane, permit)?;
        // The clock is read only where the limit is not known.
        let started = inner.connect_timeout.is_none().then(Instant::now);
        match exchange.send(request).await {
            Ok(response) => response::convert(response, exchange, upload, is_head, is_short).await,
            Err(Failed::Ended) => {
                exchange.renew();
                exchange.end();
                Err(failure::no_thread())
            }
            Err(Failed::Lost) => {
                exchange.end();
                Err(failure::lost_thread())
            }
            Err(Failed::Isahc(error)) => {
                if failure::is_end_of_thread(&error) {
                    exchange.renew();
                }
                exchange.end();
                Err(upload.and_then(|upload| upload.take_failure()).unwrap_or_else(|| {
                    let passed = || started.map(|started| started.elapsed()).unwrap_or_default();
                    failure::before_head(error, inner.connect_timeout.unwrap_or_else(passed))
                }))
            }
        }
    }

    /// The clients go, and their connections with them; those under way end on the old ones. A client that was given
    /// ([`From`]) cannot be made anew: it keeps its connections until the transport is dropped.
    async fn close(&self) {
        self.0.keeping.close();
        self.0.single.close();
    }
}

/// Each request says what isahc must not do; the client's settings for connections stay as they are. One that is not
/// idempotent fails where a kept connection dies under it.
impl From<HttpClient> for IsahcTransport {
    fn from(client: HttpClient) -> Self {
        Self::of_theirs(Lane::of(client), None)
    }
}

/// The same with two clients: the second sends what must not reach the server twice, and is to be built with
/// `connection_cache_size(0)`, and for HTTP/1.1.
impl From<(HttpClient, HttpClient)> for IsahcTransport {
    fn from((keeping, single): (HttpClient, HttpClient)) -> Self {
        Self::of_theirs(Lane::of(keeping), Some(single))
    }
}

impl fmt::Debug for IsahcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsahcTransport")
            .field("connect_timeout", &self.0.connect_timeout)
            .field("free_connections", &self.0.turns.free())
            .finish_non_exhaustive()
    }
}
