//! The conformance suite over reqwest, with what reqwest lacks. The workspace's table of all transports uses it, too.

use midil_http_reqwest::ReqwestTransport;
use midil_http_test::conformance::Suite;

pub(crate) fn suite() -> Suite {
    Suite::new("reqwest", ReqwestTransport::from_settings)
        .lacks(
            "no_accept_is_added",
            "reqwest adds `accept: */*` to a request that has no `Accept`, and cannot be kept from it. The client always \
             sets one.",
        )
        .lacks(
            "kept_connections_are_counted_over_all_servers",
            "reqwest's pool counts idle connections per server: as many as `max_keepalive_connections` are kept for each.",
        )
}
