//! The transports that must behave alike.

use std::sync::Arc;

use midil_http::{Error, ReqwestTransport, Transport, TransportSettings};

/// A transport with these settings.
pub(crate) type Make = fn(&TransportSettings) -> Result<Arc<dyn Transport>, Error>;

/// One line for each.
pub(crate) const BACKENDS: &[(&str, Make)] =
    &[("reqwest", |settings| Ok(Arc::new(ReqwestTransport::from_settings(settings)?)))];
