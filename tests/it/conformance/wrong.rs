//! Transports that are wrong on purpose: each fails the cases that name its fault, and no others.

mod transports;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use midil_http::{Error, ReqwestTransport, Transport, TransportSettings};
use midil_http_test::conformance::Suite;

use self::transports as wrong;
use super::{on_tokio, reqwest};

/// Makes them run one after the other, as each has many servers.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// For the cases that name the fault: one that hangs is one that fails, and there is no need to wait for long.
const TO_HANG: Duration = Duration::from_secs(5);

/// For all others: none hangs, and one that a busy machine starves must not be taken for one that does.
const TO_PASS: Duration = Duration::from_secs(300);

/// Fails unless just these cases fail, beside those that reqwest lacks itself.
#[track_caller]
fn assert_fails<T: Transport>(make: fn(ReqwestTransport) -> T, names_its_fault: &[&str]) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = |limit: Duration, cases: Vec<&str>| {
        let make = move |settings: &TransportSettings| -> Result<T, Error> {
            ReqwestTransport::from_settings(settings).map(make)
        };
        let suite = Suite::new("wrong", make).time_limit(limit);
        on_tokio(cases.into_iter().fold(suite, Suite::only).run()).failed()
    };
    let lacked = lacked();
    let cases = Suite::cases().map(|(_, name)| name).filter(|name| !lacked.contains(name));
    let (theirs, others) = cases.partition(|name| names_its_fault.contains(name));
    assert_eq!(failed(TO_HANG, theirs), names_its_fault);
    assert_eq!(failed(TO_PASS, others), [""; 0], "these do not name its fault");
}

/// What reqwest is said to lack.
fn lacked() -> Vec<&'static str> {
    reqwest::suite().declared()
}

#[test]
fn one_that_follows_redirects() {
    let names_its_fault = [
        "a_301_is_not_followed",
        "a_302_is_not_followed",
        "a_303_is_not_followed",
        "a_307_is_not_followed",
        "a_308_is_not_followed",
        "the_client_follows_a_redirect",
        "the_client_turns_a_post_into_a_get_on_a_303",
        "the_client_replays_bytes_on_a_307",
        "the_client_replays_a_replayable_body_on_a_308",
        "the_client_returns_a_redirect_to_another_origin",
        "the_client_leaves_credentials_behind_on_another_origin",
        "the_client_ends_a_loop_of_redirects",
        "the_client_uses_one_connection_for_all_hops",
    ];
    assert_fails(wrong::FollowsRedirects, &names_its_fault);
}

#[test]
fn one_that_hides_a_short_body() {
    let names_its_fault = [
        "a_body_shorter_than_its_length_is_an_error",
        "a_body_that_is_reset_is_an_error",
        "a_body_cut_within_a_chunk_is_an_error",
        "a_body_without_its_last_chunk_is_an_error",
        "a_chunk_without_a_size_is_an_error",
        "a_chunk_of_an_absurd_size_is_an_error",
        "a_body_that_ends_without_the_end_of_tls_is_an_error",
        "a_body_that_is_reset_over_http_2_is_an_error",
        "a_body_that_is_reset_without_a_reason_is_an_error",
        "a_body_whose_connection_ends_over_http_2_is_an_error",
    ];
    assert_fails(wrong::HidesShortBodies, &names_its_fault);
}

#[test]
fn one_that_retries_by_status() {
    let names_its_fault = [
        "a_408_is_not_resent",
        "a_425_is_not_resent",
        "a_429_is_not_resent",
        "a_503_is_not_resent",
        "the_client_retries_a_503",
        "the_client_retries_with_a_replayable_body",
        "the_client_keeps_the_last_outcome_when_it_gives_up",
    ];
    assert_fails(wrong::RetriesStatuses, &names_its_fault);
}

#[test]
fn one_that_resends_what_was_cut_off() {
    let names_its_fault = [
        "a_get_that_was_closed_on_is_not_resent",
        "a_post_that_was_closed_on_is_not_resent",
        "a_get_that_was_reset_is_not_resent",
        "a_post_that_was_reset_is_not_resent",
        "a_get_on_a_used_connection_is_not_resent",
        "a_post_on_a_used_connection_is_not_resent",
        "the_client_retries_a_reset",
    ];
    assert_fails(wrong::Resends, &names_its_fault);
}

#[test]
fn one_that_leaks_a_header() {
    let names_its_fault = ["no_header_is_added_but_framing", "no_header_is_added_over_http_2"];
    assert_fails(wrong::LeaksHeader, &names_its_fault);
}

#[test]
fn one_that_buffers_uploads() {
    let names_its_fault = [
        "a_stream_without_a_length_is_sent_in_chunks",
        "a_stream_is_sent_as_it_comes",
        "an_upload_that_nobody_reads_is_not_buffered",
        "trailers_of_a_request_pass",
        "a_response_before_the_end_of_an_upload_is_delivered",
        "a_body_is_not_touched_before_there_is_a_connection",
        "dropping_an_upload_closes_the_connection",
        "dropping_an_upload_that_waits_for_its_stream_closes_the_connection",
        "trailers_of_a_request_pass_over_http_2",
        "a_response_before_the_end_of_an_upload_is_delivered_over_http_2",
        "a_response_whose_upload_is_broken_off_is_delivered_over_http_2",
        "the_client_retries_a_post_whose_connection_was_refused",
        "the_client_times_out_when_nobody_reads_its_upload",
    ];
    assert_fails(wrong::BuffersUploads, &names_its_fault);
}

#[test]
fn one_that_buffers_downloads() {
    let names_its_fault = [
        "the_head_is_delivered_before_the_body",
        "the_head_is_delivered_before_a_body_without_framing",
        "a_piece_is_delivered_before_the_next",
        "a_body_that_nobody_reads_stops_the_server",
        "a_body_outlives_its_transport",
        "a_connection_whose_body_was_dropped_is_not_used_again",
        "a_transport_that_is_dropped_closes_its_connections",
        "a_place_is_held_to_the_end_of_the_body",
        "a_body_that_was_dropped_frees_its_place",
        "dropping_the_body_closes_the_connection",
        "dropping_the_body_closes_the_connection_over_tls",
        "the_head_is_delivered_before_the_body_over_http_2",
        "dropping_the_body_resets_its_stream",
        "a_stream_that_is_dropped_spoils_no_other",
        "a_stream_that_stalls_holds_up_no_other",
        "the_client_times_out_when_a_body_stalls",
        "the_client_lets_a_slow_body_live",
    ];
    assert_fails(wrong::BuffersDownloads, &names_its_fault);
}

#[test]
fn one_that_decompresses() {
    assert_fails(wrong::Decompresses, &["an_encoded_body_comes_as_it_is"]);
}

#[test]
fn one_that_says_that_nothing_was_sent() {
    let names_its_fault = [
        "a_close_before_the_head_may_have_been_sent",
        "a_reset_before_the_head_may_have_been_sent",
        "a_close_within_the_head_is_an_error",
        "a_reset_within_the_head_is_an_error",
        "what_is_no_http_is_an_error",
        "a_head_without_an_end_is_an_error",
        "lengths_that_contradict_are_an_error",
        "a_length_that_is_no_number_is_an_error",
        "plain_http_to_a_server_with_tls_is_an_error",
        "a_stream_reset_before_the_head_may_have_been_sent",
        "a_connection_cut_before_the_head_may_have_been_sent",
        "a_head_that_does_not_decode_is_an_error",
    ];
    assert_fails(wrong::ClaimsNothingWasSent, &names_its_fault);
}

#[test]
fn one_that_shows_urls() {
    assert_fails(wrong::ShowsUrls, &["no_error_shows_a_query"]);
}

#[test]
fn one_that_hides_its_queue() {
    assert_fails(wrong::HidesItsQueue, &["a_timeout_in_the_queue_says_that_nothing_was_sent"]);
}
