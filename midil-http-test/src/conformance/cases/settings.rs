//! What is refused when a transport is built, and what is done.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use http::HeaderValue;
use midil_http_core::{ClientCertificate, Error, Transport as _, TransportSettings};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::firehose::Firehose;
use crate::conformance::requests::{WithHeader as _, exchange, get};
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Settings":
    no_places_are_refused,
    a_connect_timeout_of_zero_is_refused,
    a_tcp_keepalive_of_zero_is_refused,
    a_root_certificate_that_is_none_is_refused,
    a_client_certificate_that_is_none_is_refused,
    extremes_are_taken,
    the_user_agent_of_the_settings_is_sent,
    a_user_agent_of_the_request_wins,
    connections_come_from_the_local_address,
];

/// The transport is not built, and the error names the setting.
fn refused(bench: &Bench, setting: &str, change: impl FnOnce(&mut TransportSettings)) -> Verdict {
    match bench.transport_with(change) {
        Err(error @ Error::Build(_)) => {
            let told = error.to_string();
            ensure(
                told.contains(setting),
                format!("expected an error that names {setting}, saw {told}"),
            )
        }
        Err(error) => Err(Failure(format!("expected Error::Build, saw {}", error.kind()))),
        Ok(_) => Err(Failure("expected Error::Build, saw a transport".into())),
    }
}

async fn no_places_are_refused(bench: &Bench) -> Verdict {
    refused(bench, "max_connections", |settings| settings.max_connections = 0)
}

async fn a_connect_timeout_of_zero_is_refused(bench: &Bench) -> Verdict {
    refused(bench, "connect_timeout", |settings| settings.connect_timeout = Duration::ZERO)
}

async fn a_tcp_keepalive_of_zero_is_refused(bench: &Bench) -> Verdict {
    refused(bench, "tcp_keepalive", |settings| settings.tcp_keepalive = Some(Duration::ZERO))
}

/// Who trusts nothing by mistake is to know before the first call.
async fn a_root_certificate_that_is_none_is_refused(bench: &Bench) -> Verdict {
    for pem in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n"]
    {
        refused(bench, "root_certificates", |settings| {
            settings.root_certificates = vec![pem.into()]
        })?;
    }
    Ok(())
}

async fn a_client_certificate_that_is_none_is_refused(bench: &Bench) -> Verdict {
    refused(bench, "client_certificate", |settings| {
        settings.client_certificate = Some(ClientCertificate::from_pem("no certificate", "no key"));
    })
}

async fn extremes_are_taken(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = bench.transport_with(|settings| {
        settings.max_connections = usize::MAX;
        settings.max_keepalive_connections = usize::MAX;
        settings.keepalive_expiry = Duration::MAX;
        settings.connect_timeout = Duration::MAX;
        settings.tcp_keepalive = Some(Duration::MAX);
    })?;
    same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    bench.transport_with(|settings| settings.tcp_keepalive = None)?;
    Ok(())
}

async fn the_user_agent_of_the_settings_is_sent(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let agent = HeaderValue::from_static("probe/1.0");
    let transport = bench.transport_with(|settings| settings.user_agent = Some(agent))?;
    exchange(&transport, get(&server.url())).await?;
    same("User-Agent", server.requests()[0].header("user-agent"), Some("probe/1.0"))
}

async fn a_user_agent_of_the_request_wins(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let agent = HeaderValue::from_static("probe/1.0");
    let transport = bench.transport_with(|settings| settings.user_agent = Some(agent))?;
    exchange(&transport, get(&server.url()).with_header("user-agent", "mine/2.0")).await?;
    let request = &server.requests()[0];
    same("User-Agent", Vec::from_iter(request.headers_named("user-agent")), ["mine/2.0"])
}

async fn connections_come_from_the_local_address(bench: &Bench) -> Verdict {
    // All of 127.0.0.0/8 is this machine on Linux; elsewhere it may be one address alone.
    let last = if cfg!(target_os = "linux") { 2 } else { 1 };
    let local = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
    let server = Firehose::start()?;
    let transport = bench.transport_with(|settings| settings.local_address = Some(local))?;
    drop(transport.send(get(&server.url())).await?);
    same("the client's address", server.client(), Some(local))
}
