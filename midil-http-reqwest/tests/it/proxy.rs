//! The proxy of the environment, which only a process of its own can be given.

use std::process::Command;

use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{exchange, get, run, transport};

const CHILD: &str = "MIDIL_TEST_PROXY_CHILD";

/// Runs the test below with `variable` set.
fn child(variable: &str, value: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    let outcome = child
        .args(["--exact", "proxy::in_the_child"])
        .env(CHILD, "1")
        .env(variable, value)
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let proxy = FaultServer::always(Reply::ok("from afar"));
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        child(variable, &proxy.url());
    }
    let targets: Vec<_> = proxy.requests().iter().map(|seen| seen.target().to_owned()).collect();
    assert_eq!(targets, ["http://service.test/users"; 3]);
}

/// Does nothing but as a child.
#[test]
fn in_the_child() {
    if std::env::var_os(CHILD).is_some() {
        run(async {
            let request = get("http://service.test/users");
            assert_eq!(exchange(&transport(), request).await.unwrap(), "from afar");
        });
    }
}
