//! [`Pool`]: the servers that are talked to, and the connections to them that wait for their next exchange.

mod origin;
mod tender;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use midil_http_core::{Error, Protocol, ProxyMatcher, TransportSettings};
use url::{Position, Url};

pub(crate) use self::origin::{Origin, Route};
use self::tender::Tending;

/// What may wait, and for how long.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Idle connections per server.
    pub(crate) idle: usize,
    pub(crate) expiry: Duration,
}

pub(crate) struct Pool(Arc<Shared>);

pub(crate) struct Shared {
    /// By scheme, host and port, as a URL writes them.
    origins: Mutex<Origins>,
    limits: Limits,
    proxies: ProxyMatcher,
    protocol: Protocol,
    tending: Tending,
}

#[derive(Default)]
struct Origins {
    known: HashMap<Box<str>, Arc<Origin>, RandomState>,
    /// How many may be known before it is asked who is needed still.
    room: usize,
}

impl Pool {
    pub(crate) fn new(settings: &TransportSettings) -> Result<Self, Error> {
        Ok(Self(Arc::new(Shared {
            origins: Mutex::default(),
            limits: Limits {
                idle: settings.max_keepalive_connections,
                expiry: settings.keepalive_expiry,
            },
            proxies: settings.proxy.matcher()?,
            protocol: settings.protocol,
            tending: Tending::new(),
        })))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Lets go of what is idle now. What is in use goes on, and comes back.
    pub(crate) fn close(&self) {
        for origin in self.0.known() {
            origin.close();
        }
    }

    /// The server of `url`, which has no userinfo.
    pub(crate) fn origin(&self, url: &Url) -> Result<Arc<Origin>, Error> {
        let key = &url[..Position::BeforePath];
        let mut origins = self.0.lock();
        if let Some(origin) = origins.known.get(key) {
            return Ok(Arc::clone(origin));
        }
        let Shared { proxies, protocol, .. } = &*self.0;
        let origin = Arc::new(Origin::new(url, proxies, *protocol, Arc::downgrade(&self.0))?);
        origins.make_room();
        origins.known.insert(key.into(), Arc::clone(&origin));
        Ok(origin)
    }
}

impl Shared {
    fn known(&self) -> Vec<Arc<Origin>> {
        self.lock().known.values().map(Arc::clone).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Origins> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origins {
    /// Forgets servers that no connection and no exchange needs. The price is shared by those that came since the last time.
    fn make_room(&mut self) {
        const LEAST: usize = 64;
        if self.known.len() < self.room.max(LEAST) {
            return;
        }
        self.known.retain(|_, origin| Arc::strong_count(origin) > 1 || !origin.keeps_nothing());
        self.room = self.known.len().saturating_mul(2);
    }
}
