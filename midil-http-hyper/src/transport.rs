//! [`HyperTransport`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Version};
use midil_http_core::{
    Body, Error, FromSettings, Request, TimeoutError, Transport, TransportBuilder,
    TransportSettings, async_trait, in_line,
};
use tokio::runtime::Id;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connect::Connector;
#[cfg(feature = "http2")]
use crate::connection::Http2;
use crate::connection::{Connection, Failure, Http1};
use crate::pool::{Origin, Pool};
use crate::request::Outgoing;
use crate::response::{self, Exchange};
use crate::{failure, request, runtime};

/// One exchange over [hyper]: HTTP/1.1, HTTP/2 and TLS, on tokio.
///
/// A clone is the same transport: it shares the connections and their limit.
///
/// | | |
/// |---|---|
/// | runtime | tokio, with its IO and time drivers; anywhere else a call is an [`Error::Build`] that says so |
/// | connections | at most `max_connections` exchanges at a time, held until the body ends; further ones wait in line |
/// | kept for reuse | at most `max_keepalive_connections` *per server*, for `keepalive_expiry` |
/// | servers | as many as are called: each with a kept connection has 28 KB, until that has expired |
/// | a kept connection that the server has closed | HTTP/1.1: is noticed before anything is sent, and costs the call nothing |
/// | proxy | requests over http as they are, those over https through a tunnel |
/// | headers | as given, and what framing needs; `User-Agent` where one is set and the request has none |
///
/// # HTTP/2
///
/// That the server has closed a connection is known when its task has run: a request that goes out just before fails, and may have
/// been sent. A connection that has fallen silent, with nothing said, takes no further call once one was dropped (by a timeout, say)
/// before its head, and no other head had come in all of its time.
///
/// # Cancel safety
///
/// Dropping the future of `send`, or the body before its end, closes the connection (HTTP/1.1) or resets the stream (HTTP/2). An
/// upload ends with it. The one exception: over HTTP/2, an upload that waits for a server which has answered, and then neither reads
/// on nor says so, holds its stream and a piece of the body until the server reads, resets or closes; nothing is read or sent.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_hyper::HyperTransport;
///
/// let transport = HyperTransport::builder().connect_timeout(Duration::from_secs(2)).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct HyperTransport(Arc<Inner>);

struct Inner {
    connector: Connector,
    pool: Pool,
    /// One per exchange that may be in flight.
    permits: Arc<Semaphore>,
    connect_timeout: Duration,
    user_agent: Option<HeaderValue>,
}

impl HyperTransport {
    /// A transport with the default [`TransportSettings`].
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when TLS cannot be set up on this machine, or the environment names a proxy that is none.
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
    /// [`Error::Build`], naming the setting that cannot be; or when TLS cannot be set up on this machine.
    pub fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
        let permits = settings.max_connections.min(Semaphore::MAX_PERMITS);
        Ok(Self(Arc::new(Inner {
            connector: Connector::new(settings)?,
            pool: Pool::new(settings)?,
            permits: Arc::new(Semaphore::new(permits)),
            connect_timeout: settings.connect_timeout,
            user_agent: settings.user_agent.clone(),
        })))
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let runtime = runtime::current()?;
        let inner = &self.0;
        request::check(request.head())?;
        let origin = inner.pool.origin(request.url())?;
        let (head, body) = request.into_parts();
        let request = request::convert(head, body, inner.user_agent.as_ref())?;
        let permit = inner.permit().await?;
        let upload = request.body().upload().map(Arc::clone);
        let outcome = inner.exchange(request, origin, runtime, permit).await;
        outcome.map_err(|error| upload.and_then(|upload| upload.take_failure()).unwrap_or(error))
    }

    async fn close(&self) {
        self.0.pool.close();
    }
}

impl Inner {
    /// Waits for its turn, in the order of the calls.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        // A permit that is free is had at a tenth of the cost; nobody is overtaken, for those who wait get them first.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        // In a box: most calls have a place at once.
        let turn = in_line(Arc::clone(&self.permits).acquire_owned());
        Box::pin(turn).await.map_err(|_| Error::Closed)
    }

    /// Sends over a connection that is kept or made. A kept one may turn out to be closed before anything was written: then
    /// over the next.
    async fn exchange(
        self: &Arc<Self>,
        mut request: http::Request<Outgoing>,
        origin: Arc<Origin>,
        runtime: Id,
        permit: OwnedSemaphorePermit,
    ) -> Result<http::Response<Body>, Error> {
        let version = request.version();
        loop {
            let (connection, is_fresh) = match self.kept(&origin, runtime) {
                Some(connection) => (connection, false),
                None => self.connect(&origin, runtime).await?,
            };
            let failure = match connection {
                Connection::Http1(mut connection) => {
                    if version == Version::HTTP_2 {
                        return Err(request::version_error(version));
                    }
                    origin.address_http1(&mut request)?;
                    *request.version_mut() = version;
                    let uploads = !request.body().is_empty();
                    match connection.exchange(request).await {
                        Ok(response) => {
                            let connection = Some(connection);
                            let exchange =
                                Exchange { connection, origin, uploads, permit: Some(permit) };
                            return Ok(response::over_http1(response, exchange));
                        }
                        Err(failure) => failure,
                    }
                }
                #[cfg(feature = "http2")]
                Connection::Http2(connection) => {
                    origin.address_http2(&mut request)?;
                    *request.version_mut() = Version::HTTP_2;
                    match connection.exchange(request).await {
                        Ok((response, in_flight)) => {
                            return Ok(response::over_http2(response, in_flight, permit));
                        }
                        Err(failure) => failure,
                    }
                }
            };
            request = match failure {
                Failure::Unsent(request, _) if !is_fresh => *request,
                Failure::Unsent(_, error) => return Err(failure::unsent(error)),
                Failure::Broken(error) => return Err(failure::before_head(error)),
                Failure::Silent => return Err(failure::cut()),
            };
        }
    }

    fn kept(&self, origin: &Origin, runtime: Id) -> Option<Connection> {
        let limits = self.pool.limits();
        #[cfg(feature = "http2")]
        if let Some(shared) = origin.shared(runtime, limits) {
            return Some(Connection::Http2(shared));
        }
        origin.take_idle(runtime, limits).map(Connection::Http1)
    }

    /// Makes a connection in time; and whether it is a new one, for meanwhile another call may have made one for all.
    ///
    /// By a task, which ends with the call: others wait for its turn, and must not wait for a caller who holds the call, but does
    /// not poll it. In a box: most calls have a connection at hand.
    fn connect(self: &Arc<Self>, origin: &Arc<Origin>, runtime: Id) -> Made {
        let (inner, origin) = (Arc::clone(self), Arc::clone(origin));
        Box::pin(async move {
            let limit = inner.connect_timeout;
            runtime::task(async move {
                let made = async { timeout(limit, inner.make(&origin, runtime)).await };
                match runtime::with_drivers(made).await? {
                    Ok(made) => made.map_err(|error| failure::connect_timeout(error, limit)),
                    Err(_) => Err(TimeoutError::connect(limit).into()),
                }
            })
            .await
            .unwrap_or_else(|| Err(failure::no_runtime()))
        })
    }

    #[cfg(feature = "http2")]
    async fn make(&self, origin: &Arc<Origin>, runtime: Id) -> Result<(Connection, bool), Error> {
        let shared = || origin.shared(runtime, self.pool.limits()).map(Connection::Http2);
        let mut turn = None;
        if origin.shares() {
            turn = Some(origin.turn(runtime).lock_owned().await);
            if let Some(shared) = shared() {
                return Ok((shared, false));
            }
        }
        let connected = self.connector.connect(origin).await?;
        if !connected.http2 {
            return fresh_http1(connected.io, connected.line).await;
        }
        // Others have learned at the same time that one connection is enough: the first of them makes it.
        let _turn = match turn {
            Some(turn) => turn,
            None => origin.turn(runtime).lock_owned().await,
        };
        if let Some(shared) = shared() {
            return Ok((shared, false));
        }
        let weak = Arc::downgrade(origin);
        let gone = move || {
            if let Some(origin) = weak.upgrade() {
                origin.forget_closed();
            }
        };
        let connection = Http2::new(connected.io, gone).await.map_err(failure::unsent)?;
        origin.share(connection.clone());
        Ok((Connection::Http2(connection), true))
    }

    #[cfg(not(feature = "http2"))]
    async fn make(&self, origin: &Arc<Origin>, _: Id) -> Result<(Connection, bool), Error> {
        let connected = self.connector.connect(origin).await?;
        fresh_http1(connected.io, connected.line).await
    }
}

type Made = Pin<Box<dyn Future<Output = Result<(Connection, bool), Error>> + Send>>;

async fn fresh_http1(
    io: crate::connect::Io,
    line: Arc<crate::connection::Line>,
) -> Result<(Connection, bool), Error> {
    let connection = Http1::new(io, line).await.map_err(failure::unsent)?;
    Ok((Connection::Http1(connection), true))
}

impl FromSettings for HyperTransport {
    fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
        Self::from_settings(settings)
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("connect_timeout", &self.0.connect_timeout)
            .field("free_connections", &self.0.permits.available_permits())
            .finish_non_exhaustive()
    }
}
