//! [`Origin`]: one server, how it is reached, and the connections to it that are kept.

#[cfg(feature = "http2")]
use std::sync::Arc;
#[cfg(feature = "http2")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::task::Context;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri, header};
use midil_http_core::{BuildError, Error, Protocol, ProxyMatcher};
use tokio::runtime::Id;
use tokio::time::Instant;
use url::Url;

use super::{Limits, Shared};
use crate::connection::Http1;
#[cfg(feature = "http2")]
use crate::connection::Http2;
use crate::request::Outgoing;

/// How a server is reached.
pub(crate) enum Route {
    Direct,
    /// Through a proxy that forwards requests, with what it is told of us.
    Forward(Option<HeaderValue>),
    /// Through a tunnel that a proxy makes, with what it is told of us.
    Tunnel(Option<HeaderValue>),
}

pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
    host_header: HeaderValue,
    port: u16,
    /// Where to connect to: the server, or its proxy.
    peer: Uri,
    route: Route,
    kept: Mutex<Kept>,
    /// Whose turn it is to connect to a server that is known to share its connections, in each runtime.
    #[cfg(feature = "http2")]
    turns: Mutex<Vec<(Id, Weak<tokio::sync::Mutex<()>>)>>,
    #[cfg(feature = "http2")]
    shares: AtomicBool,
    pool: Weak<Shared>,
}

#[derive(Default)]
struct Kept {
    /// The last one was used last.
    idle: Vec<Idle>,
    /// One per runtime, mostly.
    #[cfg(feature = "http2")]
    shared: Vec<Http2>,
}

struct Idle {
    connection: Box<Http1>,
    since: Instant,
}

impl Kept {
    /// What makes room for a connection of `runtime`: one that has expired, or that this runtime has no use for. Its own runtime
    /// may not be there any more to let go of it, or may not be driven.
    fn dispensable(&self, runtime: Id, now: Instant, limits: &Limits) -> Option<usize> {
        self.idle.iter().position(|idle| {
            now.saturating_duration_since(idle.since) > limits.expiry
                || !idle.connection.belongs_to(runtime)
        })
    }
}

impl Origin {
    pub(super) fn new(
        url: &Url,
        proxies: &ProxyMatcher,
        protocol: Protocol,
        pool: Weak<Shared>,
    ) -> Result<Self, Error> {
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" if cfg!(feature = "rustls") => Scheme::HTTPS,
            "https" => {
                return Err(url_error(
                    "is https, and there is no TLS: turn on the feature `rustls` of midil-http-hyper",
                ));
            }
            _ => {
                return Err(url_error(
                    "is neither http nor https, the two that a transport speaks",
                ));
            }
        };
        let host = url.host_str().ok_or_else(unnameable)?;
        let port = url.port_or_known_default().ok_or_else(unnameable)?;
        let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let authority = Authority::try_from(named.as_str()).map_err(|_| unnameable())?;
        let host_header = HeaderValue::try_from(named).map_err(|_| unnameable())?;
        let (peer_host, peer_port, route) = match proxies.proxy_for(url) {
            None => (host, port, Route::Direct),
            Some(proxy) => {
                let authorization = proxy.authorization().cloned();
                // To a proxy HTTP/2 would have to be known beforehand, too.
                let tunnel = scheme == Scheme::HTTPS || protocol == Protocol::Http2PriorKnowledge;
                let route = if tunnel {
                    Route::Tunnel(authorization)
                } else {
                    Route::Forward(authorization)
                };
                let (host, port) = (proxy.url().host_str(), proxy.url().port_or_known_default());
                (host.ok_or_else(unnameable)?, port.ok_or_else(unnameable)?, route)
            }
        };
        let peer = Uri::builder().scheme(Scheme::HTTP).path_and_query("/");
        let peer =
            peer.authority(format!("{peer_host}:{peer_port}")).build().map_err(|_| unnameable())?;
        Ok(Self {
            scheme,
            authority,
            host_header,
            port,
            peer,
            route,
            kept: Mutex::default(),
            #[cfg(feature = "http2")]
            turns: Mutex::default(),
            #[cfg(feature = "http2")]
            shares: AtomicBool::new(protocol == Protocol::Http2PriorKnowledge),
            pool,
        })
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// An IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }

    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host(), self.port)
    }

    pub(crate) const fn peer(&self) -> &Uri {
        &self.peer
    }

    pub(crate) const fn route(&self) -> &Route {
        &self.route
    }

    /// Addresses `request` to this server, as HTTP/1.1 does.
    pub(crate) fn address_http1(&self, request: &mut http::Request<Outgoing>) -> Result<(), Error> {
        if let Route::Forward(authorization) = &self.route {
            self.address_whole(request, self.authority.clone())?;
            if let Some(authorization) = authorization {
                request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization.clone());
            }
        } else if let Some(authority) = request.uri().authority() {
            // It was to go over HTTP/2, and the caller's `Host` with it.
            let host = HeaderValue::try_from(authority.as_str()).map_err(|_| unnameable())?;
            let path = path_of(request);
            *request.uri_mut() = Uri::from(path);
            request.headers_mut().insert(header::HOST, host);
        }
        request.headers_mut().entry(header::HOST).or_insert_with(|| self.host_header.clone());
        Ok(())
    }

    /// Addresses `request` to this server, as HTTP/2 does: what would be its `Host` is the `:authority`, and there are not two of
    /// them ([RFC 9113, section 8.3.1](https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1)).
    #[cfg(feature = "http2")]
    pub(crate) fn address_http2(&self, request: &mut http::Request<Outgoing>) -> Result<(), Error> {
        let authority = match request.headers_mut().remove(header::HOST) {
            Some(host) => authority_of(&host)?,
            // It was addressed before, to another connection.
            None => request.uri().authority().unwrap_or(&self.authority).clone(),
        };
        self.address_whole(request, authority)
    }

    /// Addresses `request` with a whole URL, as HTTP/2 does, and HTTP/1.1 to a proxy.
    fn address_whole(
        &self,
        request: &mut http::Request<Outgoing>,
        authority: Authority,
    ) -> Result<(), Error> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(authority);
        parts.path_and_query = Some(path_of(request));
        *request.uri_mut() = Uri::from_parts(parts)
            .map_err(|_| url_error("cannot be sent over HTTP: check its characters"))?;
        Ok(())
    }

    /// Takes an idle connection out, the one that was used last.
    pub(crate) fn take_idle(&self, runtime: Id, limits: &Limits) -> Option<Box<Http1>> {
        let mut kept = self.lock();
        while let Some(index) =
            kept.idle.iter().rposition(|idle| idle.connection.belongs_to(runtime))
        {
            let idle = kept.idle.remove(index);
            if idle.since.elapsed() <= limits.expiry {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps a connection that has done its exchange, when there is room for it.
    pub(crate) fn keep(&self, connection: Box<Http1>) {
        let Some(pool) = self.pool.upgrade() else { return };
        let limits = &pool.limits;
        if limits.idle == 0 {
            return;
        }
        connection.rest();
        let since = Instant::now();
        // Dropped when the lock is free again.
        let mut _evicted = None;
        let runtime = {
            let mut kept = self.lock();
            if kept.idle.len() >= limits.idle {
                let Some(index) = kept.dispensable(connection.runtime().id(), since, limits) else {
                    return;
                };
                _evicted = Some(kept.idle.remove(index));
            }
            let runtime = (!pool.is_tended(since)).then(|| connection.runtime().clone());
            kept.idle.push(Idle { connection, since });
            runtime
        };
        if let Some(runtime) = runtime {
            pool.tend(&runtime);
        }
    }

    /// Lets go of what has expired or was closed. The connections that stay tell `cx` when they are.
    pub(super) fn tend(&self, cx: &Context<'_>, limits: &Limits) {
        let mut kept = self.lock();
        kept.idle.retain_mut(|idle| {
            idle.connection.drive(cx);
            !idle.connection.has_ended() && idle.since.elapsed() <= limits.expiry
        });
        #[cfg(feature = "http2")]
        kept.shared.retain(|shared| shared.is_usable(limits.expiry));
    }

    /// Lets go of what is kept. A connection that exchanges share ends with the last of them.
    pub(super) fn close(&self) {
        // Dropped when the lock is free again.
        let _kept = std::mem::take(&mut *self.lock());
    }

    pub(super) fn keeps_nothing(&self) -> bool {
        let kept = self.lock();
        #[cfg(feature = "http2")]
        if !kept.shared.is_empty() {
            return false;
        }
        kept.idle.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "http2")]
impl Origin {
    /// Whether one connection does for all exchanges, as far as is known.
    pub(crate) fn shares(&self) -> bool {
        self.shares.load(Ordering::Relaxed)
    }

    pub(crate) fn shared(&self, runtime: Id, limits: &Limits) -> Option<Http2> {
        if !self.shares() {
            return None;
        }
        let mut kept = self.lock();
        kept.shared.retain(|shared| shared.is_usable(limits.expiry));
        kept.shared.iter().find(|shared| shared.belongs_to(runtime)).cloned()
    }

    pub(crate) fn share(&self, connection: Http2) {
        let Some(pool) = self.pool.upgrade() else { return };
        self.shares.store(true, Ordering::Relaxed);
        self.lock().shared.push(connection);
        if !pool.is_tended(Instant::now()) {
            pool.tend(&tokio::runtime::Handle::current());
        }
    }

    /// The turn to connect, of those who call from `runtime`. A connection serves one runtime alone, and whoever connects in another
    /// may never be done: its runtime may have stopped.
    pub(crate) fn turn(&self, runtime: Id) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|(_, turn)| turn.strong_count() > 0);
        let known = turns.iter().find(|(of, _)| *of == runtime);
        known.and_then(|(_, turn)| turn.upgrade()).unwrap_or_else(|| {
            let turn = Arc::default();
            turns.push((runtime, Arc::downgrade(&turn)));
            turn
        })
    }

    /// Lets go of connections whose task is over, and with them of requests that lie in their channels.
    pub(crate) fn forget_closed(&self) {
        self.lock().shared.retain(|shared| shared.is_usable(std::time::Duration::MAX));
    }
}

fn path_of(request: &http::Request<Outgoing>) -> PathAndQuery {
    request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

#[cfg(feature = "http2")]
fn authority_of(host: &HeaderValue) -> Result<Authority, Error> {
    // Userinfo has its place in an authority, but not here.
    let authority = Authority::try_from(host.as_bytes()).ok();
    authority.filter(|authority| !authority.as_str().contains('@')).ok_or_else(|| {
        let problem = "is no host, with or without a port, as HTTP/2 needs it: leave it out, and it is that of the URL";
        BuildError::new("Host", problem).into()
    })
}

fn unnameable() -> Error {
    url_error("has a host that cannot be named over HTTP: check its characters")
}

fn url_error(problem: &str) -> Error {
    BuildError::new("URL", problem).into()
}

#[cfg(all(test, feature = "http2"))]
mod tests {
    use midil_http_core::TransportSettings;

    use super::*;
    use crate::pool::Pool;

    /// A connection may turn out to be closed before anything is written; the next one may be of the other protocol.
    #[test]
    fn the_host_of_the_caller_survives_a_change_of_protocol() {
        let pool = Pool::new(&TransportSettings::default()).unwrap();
        for host in [None, Some("api.example.com:8443")] {
            let origin = pool.origin(&Url::parse("http://127.0.0.1:80/").unwrap()).unwrap();
            let mut request = http::Request::new(Outgoing::empty());
            *request.uri_mut() = Uri::from_static("/users?limit=1");
            if let Some(host) = host {
                request.headers_mut().insert(header::HOST, HeaderValue::from_static(host));
            }
            let expected = host.unwrap_or("127.0.0.1");
            for _ in 0..2 {
                for _ in 0..2 {
                    origin.address_http2(&mut request).unwrap();
                    assert_eq!(
                        *request.uri(),
                        format!("http://{expected}/users?limit=1").parse::<Uri>().unwrap()
                    );
                    assert!(!request.headers().contains_key(header::HOST));
                }
                for _ in 0..2 {
                    origin.address_http1(&mut request).unwrap();
                    assert_eq!(*request.uri(), "/users?limit=1");
                    assert_eq!(request.headers()[header::HOST], expected);
                }
            }
        }
    }
}
