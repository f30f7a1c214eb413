//! The transports, and what each may do that the others do not.

use std::sync::Arc;

use midil_http::{
    Error, HyperTransport, IsahcTransport, ReqwestTransport, Transport, TransportSettings,
};

use crate::ledger::Quirks;

pub(crate) type Make = fn(&TransportSettings) -> Result<Arc<dyn Transport>, Error>;

/// Name, constructor and quirks of each.
pub(crate) const TRANSPORTS: [(&str, Make, Quirks); 3] = [
    (
        "reqwest",
        |settings| Ok(Arc::new(ReqwestTransport::from_settings(settings)?)),
        Quirks { resends: false, loses: true, takes_surplus: false },
    ),
    (
        "hyper",
        |settings| Ok(Arc::new(HyperTransport::from_settings(settings)?)),
        Quirks { resends: false, loses: false, takes_surplus: false },
    ),
    (
        "isahc",
        |settings| Ok(Arc::new(IsahcTransport::from_settings(settings)?)),
        Quirks { resends: true, loses: false, takes_surplus: true },
    ),
];
