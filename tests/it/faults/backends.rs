//! The transports that must behave alike, one entry for each.

use std::sync::Arc;

use midil_http::{Error, ReqwestTransport, Transport, TransportSettings};

use super::calls::Call;
use super::outcome::{Expected, Seen};

pub(super) struct Backend {
    pub(super) name: &'static str,
    pub(super) with: fn(&TransportSettings) -> Result<Arc<dyn Transport>, Error>,
    /// Whether it tells apart all kinds of a transport error. One that does not is held to there being one.
    pub(super) tells_kinds: bool,
    /// Whether it says of a stream of HTTP/2 that it was refused, so that any request may be sent again.
    pub(super) tells_refusals: bool,
    /// Whether it closes an idle connection as soon as the server has, not only when it would use it again.
    pub(super) sees_ends: bool,
    /// Whether a call may go over a connection that another used.
    pub(super) reuses: fn(&Call) -> bool,
    /// Faults, by their name, that it gets over by itself, without the server seeing a request twice.
    pub(super) heals: &'static [&'static str],
}

impl Backend {
    pub(super) fn make(&self) -> Arc<dyn Transport> {
        (self.with)(&TransportSettings::default()).expect("good settings")
    }

    pub(super) fn agrees(&self, expected: &Expected<'_>, seen: &Seen) -> bool {
        expected.is(seen, self.tells_kinds)
    }
}

pub(super) const BACKENDS: &[Backend] = &[
    Backend {
        name: "reqwest",
        with: |settings| Ok(Arc::new(ReqwestTransport::from_settings(settings)?)),
        tells_kinds: true,
        tells_refusals: true,
        sees_ends: true,
        reuses: |_| true,
        heals: &[],
    },
    #[cfg(feature = "hyper")]
    Backend {
        name: "hyper",
        with: |settings| Ok(Arc::new(midil_http::HyperTransport::from_settings(settings)?)),
        tells_kinds: true,
        tells_refusals: true,
        sees_ends: true,
        reuses: |_| true,
        heals: &[],
    },
    #[cfg(feature = "isahc")]
    Backend {
        name: "isahc",
        with: |settings| Ok(Arc::new(midil_http::IsahcTransport::from_settings(settings)?)),
        tells_kinds: false,
        tells_refusals: false,
        sees_ends: false,
        // curl resends over a connection that was used before.
        reuses: |call| call.idempotent && !call.is_stream,
        heals: &["an idle connection that is closed over the request"],
    },
];
