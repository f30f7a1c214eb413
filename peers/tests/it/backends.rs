//! The transports that must behave alike.

use std::sync::Arc;

use midil_http::{Error, HyperTransport, ReqwestTransport, Transport, TransportSettings};
use midil_http_isahc::IsahcTransport;

/// A transport with these settings.
pub(crate) type Make = fn(&TransportSettings) -> Result<Arc<dyn Transport>, Error>;

/// One line for each.
pub(crate) const BACKENDS: &[(&str, Make)] = &[
    ("reqwest", |settings| Ok(Arc::new(ReqwestTransport::from_settings(settings)?))),
    ("hyper", |settings| Ok(Arc::new(HyperTransport::from_settings(settings)?))),
    ("isahc", |settings| Ok(Arc::new(IsahcTransport::from_settings(settings)?))),
];
