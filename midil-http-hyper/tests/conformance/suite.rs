//! The conformance suite over hyper, with what it lacks. The workspace's table of all transports uses it, too.

use midil_http_hyper::HyperTransport;
use midil_http_test::conformance::Suite;

pub(crate) fn suite() -> Suite {
    Suite::new("hyper", HyperTransport::from_settings).lacks(
        "kept_connections_are_counted_over_all_servers",
        "idle connections are counted per server: as many as `max_keepalive_connections` are kept for each.",
    )
}
