//! The conformance suite over reqwest, with what reqwest lacks. The workspace's table of all transports uses it, too.

use midil_http_reqwest::ReqwestTransport;
use midil_http_test::conformance::Suite;

pub(crate) fn suite() -> Suite {
    Suite::new("reqwest", ReqwestTransport::from_settings)
}
