//! A transport that is made a service, and that a transport again, is as good as it was.

use std::time::Duration;

use midil_http::{HyperTransport, TowerTransport, TransportService};
use midil_http_test::conformance::Suite;

#[tokio::test]
async fn a_transport_through_both_adapters_conforms_as_it_does_without() {
    let through = |settings: &_| {
        let transport = HyperTransport::from_settings(settings)?;
        Ok(TowerTransport::new(TransportService::new(transport)))
    };
    let suite = Suite::new("hyper through tower", through).lacks(
        "kept_connections_are_counted_over_all_servers",
        "as hyper by itself: idle connections are counted per server",
    );
    // Plenty for each case: what a busy machine starves does not hang.
    suite.time_limit(Duration::from_secs(300)).run().await.assert_conforms();
}
