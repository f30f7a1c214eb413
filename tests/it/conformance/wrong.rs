//! Transports that are wrong on purpose: each fails the cases that name its fault, and no others.

mod transports;

use std::time::Duration;

use midil_http::{Error, ReqwestTransport, Transport, TransportSettings};
use midil_http_test::conformance::Suite;

use self::transports as wrong;
use super::{on_tokio, reqwest};

/// The names of the cases that fail, beside those that reqwest lacks itself.
fn failed<T: Transport>(make: fn(ReqwestTransport) -> T) -> Vec<&'static str> {
    let make = move |settings: &TransportSettings| -> Result<T, Error> {
        ReqwestTransport::from_settings(settings).map(make)
    };
    // A case that hangs is one that fails; there is no need to wait for long.
    let suite = Suite::new("wrong", make).time_limit(Duration::from_secs(5));
    let report = on_tokio(suite.run());
    let mut failed = report.failed();
    failed.retain(|case| !lacked().contains(case));
    failed
}

/// What reqwest is said to lack.
fn lacked() -> Vec<&'static str> {
    reqwest::suite().declared()
}

#[test]
fn one_that_follows_redirects() {
    assert_eq!(failed(wrong::FollowsRedirects), [""; 0]);
}

#[test]
fn one_that_hides_a_short_body() {
    assert_eq!(failed(wrong::HidesShortBodies), [""; 0]);
}

#[test]
fn one_that_retries_by_status() {
    assert_eq!(failed(wrong::RetriesStatuses), [""; 0]);
}

#[test]
fn one_that_resends_what_was_cut_off() {
    assert_eq!(failed(wrong::Resends), [""; 0]);
}

#[test]
fn one_that_leaks_a_header() {
    assert_eq!(failed(wrong::LeaksHeader), [""; 0]);
}

#[test]
fn one_that_buffers_uploads() {
    assert_eq!(failed(wrong::BuffersUploads), [""; 0]);
}

#[test]
fn one_that_buffers_downloads() {
    assert_eq!(failed(wrong::BuffersDownloads), [""; 0]);
}

#[test]
fn one_that_decompresses() {
    assert_eq!(failed(wrong::Decompresses), [""; 0]);
}

#[test]
fn one_that_says_that_nothing_was_sent() {
    assert_eq!(failed(wrong::ClaimsNothingWasSent), [""; 0]);
}

#[test]
fn one_that_shows_urls() {
    assert_eq!(failed(wrong::ShowsUrls), [""; 0]);
}
