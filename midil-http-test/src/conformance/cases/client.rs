//! A whole client over the transport: what users rely on, end to end.

mod auth;
mod bodies;
mod redirects;
mod retries;
mod timeouts;

use crate::conformance::case::Case;

pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    [redirects::CASES, auth::CASES, retries::CASES, timeouts::CASES, bodies::CASES]
        .into_iter()
        .flatten()
}
