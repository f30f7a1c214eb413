//! A transport that is made a service, and that a transport again, is as good as it was.

use midil_http::{HyperTransport, TowerTransport, TransportService};
use midil_http_test::conformance::Suite;

use crate::support::whole::on_the_wire;

#[test]
fn a_transport_through_both_adapters_conforms_as_it_does_without() {
    let through = |settings: &_| {
        let transport = HyperTransport::from_settings(settings)?;
        Ok(TowerTransport::new(TransportService::new(transport)))
    };
    on_the_wire(async move {
        let suite = Suite::new("hyper through tower", through).lacks(
            "kept_connections_are_counted_over_all_servers",
            "as hyper by itself: idle connections are counted per server",
        );
        suite.run().await.assert_conforms();
    });
}
