//! All transports against the one suite: the table of the docs is that of the run, and a transport that is wrong on
//! purpose is found out.

#[cfg(feature = "hyper")]
#[path = "../../midil-http-hyper/tests/conformance/suite.rs"]
mod hyper;
#[cfg(feature = "isahc")]
#[path = "../../midil-http-isahc/tests/conformance/suite.rs"]
mod isahc;
#[cfg(feature = "reqwest")]
#[path = "../../midil-http-reqwest/tests/conformance/suite.rs"]
mod reqwest;
#[cfg(all(feature = "hyper", feature = "isahc", feature = "reqwest"))]
mod table;
#[cfg(feature = "reqwest")]
mod wrong;

/// Runs on a tokio of one thread, which is what a service's tests mostly do.
#[cfg(feature = "reqwest")]
fn on_tokio<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run)
}
