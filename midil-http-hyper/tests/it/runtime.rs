//! Where there is no tokio, or not enough of it.

use futures_util::FutureExt as _;
use midil_http_core::{Error, Transport};
use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{get, transport};

fn problem(error: &Error) -> String {
    assert!(matches!(error, Error::Build(_)), "{error:?}");
    error.to_string()
}

#[test]
fn outside_of_tokio_a_call_is_an_error() {
    let error = transport().send(get("http://127.0.0.1:1/")).now_or_never().unwrap().unwrap_err();
    assert!(problem(&error).contains("inside a tokio runtime"), "{error}");
}

#[test]
fn without_its_drivers_a_call_is_an_error() {
    let server = FaultServer::always(Reply::ok("hello"));
    let mut without_time = tokio::runtime::Builder::new_current_thread();
    without_time.enable_io();
    for mut runtime in [tokio::runtime::Builder::new_current_thread(), without_time] {
        let runtime = runtime.build().unwrap();
        let error = runtime.block_on(transport().send(get(&server.url()))).unwrap_err();
        assert!(problem(&error).contains("build it with `enable_all`"), "{error}");
    }
}
