//! All cases: a file for each group.

mod cancelling;
mod client;
mod connections;
mod downloads;
mod faults;
mod framing;
mod http2;
mod limits;
mod one_exchange;
mod proxy;
mod requests;
mod secrets;
mod settings;
mod tls;
mod uploads;

use super::case::Case;

/// All of them, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = Case> {
    [
        requests::CASES,
        uploads::CASES,
        framing::CASES,
        downloads::CASES,
        faults::CASES,
        one_exchange::CASES,
        connections::CASES,
        limits::CASES,
        cancelling::CASES,
        settings::CASES,
        secrets::CASES,
        tls::CASES,
        proxy::CASES,
    ]
    .into_iter()
    .flatten()
    .chain(http2::all())
    .chain(client::all())
    .copied()
}
