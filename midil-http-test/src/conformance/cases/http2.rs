//! HTTP/2: when it is spoken, and what is the same as over HTTP/1.1.

mod exchanges;
mod faults;
mod streams;
mod versions;

use std::sync::Arc;

use midil_http_core::{Error, Protocol, Transport, TransportSettings};

use crate::conformance::bench::Bench;
use crate::conformance::case::Case;
use crate::fault_server::Authority;

pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    [versions::CASES, exchanges::CASES, streams::CASES, faults::CASES].into_iter().flatten()
}

/// A transport that speaks HTTP/2 without asking.
fn knowing(bench: &Bench) -> Result<Arc<dyn Transport>, Error> {
    knowing_with(bench, |_| {})
}

fn knowing_with(
    bench: &Bench,
    change: impl FnOnce(&mut TransportSettings),
) -> Result<Arc<dyn Transport>, Error> {
    bench.transport_with(|settings| {
        settings.protocol = Protocol::Http2PriorKnowledge;
        settings.root_certificates.push(Authority::shared().root_certificate_pem().into());
        change(settings);
    })
}

/// A transport that speaks what the server chooses.
fn negotiating(bench: &Bench) -> Result<Arc<dyn Transport>, Error> {
    knowing_with(bench, |settings| settings.protocol = Protocol::Negotiated)
}
