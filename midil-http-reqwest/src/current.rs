//! The client of reqwest that is in use, and another in its place when its connections have to go.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use midil_http_core::{Error, TransportSettings};
use reqwest::Client;

use crate::client;

/// reqwest closes its idle connections only when a client is dropped with all its clones. So there is one clone, here.
pub(crate) struct Current {
    /// `None` when it was let go of: the next exchange makes it anew.
    client: RwLock<Option<Client>>,
    /// What it is made of; `None` for one from a builder of the caller's, which is gone.
    settings: Option<TransportSettings>,
}

impl Current {
    pub(crate) const fn new(client: Client, settings: Option<TransportSettings>) -> Self {
        Self { client: RwLock::new(Some(client)), settings }
    }

    /// Sends `request` by it.
    pub(crate) fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + Send + use<>, Error>
    {
        if let Some(client) = &*self.client.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(client.execute(request));
        }
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        let client = match (&*current, &self.settings) {
            (Some(client), _) => client,
            (None, Some(settings)) => &*current.insert(client::from_settings(settings)?.client),
            (None, None) => return Err(Error::Closed),
        };
        Ok(client.execute(request))
    }

    /// Lets go of the idle connections; those in use are closed after their exchange.
    pub(crate) fn close(&self) {
        if self.settings.is_some() {
            // Dropped when the lock is free again.
            let _client = self.client.write().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}
