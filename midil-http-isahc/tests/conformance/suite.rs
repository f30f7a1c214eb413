//! The conformance suite over isahc, with what isahc lacks. The workspace's table of all transports uses it, too.

use std::time::Duration;

use midil_http_isahc::IsahcTransport;
use midil_http_test::conformance::Suite;

pub(crate) fn suite() -> Suite {
    // Some of what is lacking hangs: there is no need to wait for long.
    let suite =
        Suite::new("isahc", IsahcTransport::from_settings).time_limit(Duration::from_secs(8));
    let suite = suite.lacks_sometimes(
        "a_head_that_does_not_decode_is_an_error",
        "curl waits for the connection's end then, which the server may leave open: the client's `timeout` ends it.",
    );
    LACKED.iter().fold(suite, |suite, (case, why)| suite.lacks(case, *why))
}

/// Behaviours, and why they are lacking.
const LACKED: &[(&str, &str)] = &[
    (
        "a_path_arrives_byte_by_byte",
        "curl writes percent-encodings in capitals: `%c3` arrives as `%C3`, which means the same (RFC 3986, section 6.2.2.1).",
    ),
    (
        "bytes_beyond_ascii_in_a_header_arrive",
        "isahc takes header values as text. One that is not ASCII is an `Error::Build`.",
    ),
    (
        "no_header_is_added_but_framing",
        "curl adds `Content-Type: application/x-www-form-urlencoded` to a POST that has none. JSON, form and multipart bodies of the client always set one.",
    ),
    (
        "no_accept_is_added",
        "curl adds `Accept: */*` to a request that has none. The client always sets one.",
    ),
    (
        "no_user_agent_is_added",
        "isahc adds an empty `User-Agent` to a request that has none. The client always sets one.",
    ),
    (
        "no_header_is_added_over_http_2",
        "isahc adds an empty `User-Agent` to a request that has none. The client always sets one.",
    ),
    ("trailers_of_a_request_pass", "isahc has no way to tell curl of them: they are left out."),
    (
        "trailers_of_a_request_pass_over_http_2",
        "isahc has no way to tell curl of them: they are left out.",
    ),
    (
        "the_head_is_delivered_before_the_body",
        "the head is delivered with the first piece of the body, or its end: an end within the head could not be told from an empty body before.",
    ),
    (
        "the_head_is_delivered_before_a_body_without_framing",
        "the head is delivered with the first piece of the body, or its end: an end within the head could not be told from an empty body before.",
    ),
    (
        "the_head_is_delivered_before_the_body_over_http_2",
        "the head is delivered with the first piece of the body, or its end: an end within the head could not be told from an empty body before.",
    ),
    (
        "a_length_that_is_no_number_is_an_error",
        "curl takes a `Content-Length` beyond 2⁶³ for none, and reads until the connection closes.",
    ),
    (
        "a_chunk_without_a_size_is_an_error",
        "it is an error, but curl does not say that it is the framing that is broken: its kind is `Reset`.",
    ),
    (
        "a_chunk_of_an_absurd_size_is_an_error",
        "it is an error, but curl does not say that it is the framing that is broken: its kind is `Reset`.",
    ),
    (
        "a_get_on_a_used_connection_is_not_resent",
        "curl sends a request again when a used connection ends before the response. What is not idempotent never goes over a used connection, so it is not sent twice.",
    ),
    (
        "a_connection_is_used_again_after_an_upload",
        "a stream gets a connection of its own, and so does what is not idempotent: curl would resend over a connection that went stale, and cannot resend a stream.",
    ),
    (
        "a_handshake_that_breaks_off_is_no_connection",
        "curl does not tell a handshake that was broken off from one that failed: both are of the kind `Tls`, which is not retried.",
    ),
    (
        "a_client_certificate_is_shown_to_who_asks",
        "with rustls, curl takes no client certificate from memory: the setting is an `Error::Build`.",
    ),
    (
        "a_tunnel_is_asked_for_by_the_user_agent_of_the_settings",
        "curl asks for a tunnel without a `User-Agent`.",
    ),
    (
        "a_tunnel_that_is_closed_was_not_sent",
        "curl does not say that it was the proxy that closed: the request counts as one that may have been sent.",
    ),
    (
        "dropping_the_call_resets_its_stream",
        "curl closes the whole connection of a stream that is broken off.",
    ),
    (
        "dropping_the_body_resets_its_stream",
        "curl closes the whole connection of a stream that is broken off.",
    ),
    (
        "a_stream_that_is_dropped_spoils_no_other",
        "curl notices that a stream was dropped when the next piece of it comes.",
    ),
    (
        "a_refused_stream_was_not_sent",
        "curl does not say why a stream was reset: what was refused counts as what may have been sent.",
    ),
    (
        "a_refused_stream_is_not_resent",
        "curl sends a refused stream again, which is safe, for it was not processed.",
    ),
    (
        "a_goaway_before_the_stream_says_that_it_was_not_sent",
        "curl does not say why a stream was reset: what was not processed counts as what may have been sent.",
    ),
    (
        "a_connection_cut_before_the_head_may_have_been_sent",
        "it is an error that may have been sent, but curl takes it for a broken framing: its kind is `Protocol`.",
    ),
    (
        "a_body_that_is_reset_without_a_reason_is_an_error",
        "curl takes a stream without a length that is reset with `NO_ERROR` for one that has ended.",
    ),
];
