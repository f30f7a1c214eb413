//! Whom a transport trusts, who it says it is, and what becomes of a handshake that fails.

use std::sync::Arc;

use midil_http_core::TransportErrorKind::{self, Closed, Connect, Protocol, Reset, Tls as TlsKind};
use midil_http_core::{
    ClientCertificate, Error, Protocol as Spoken, Sent, Transport, TransportSettings,
};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, piece, post};
use crate::conformance::uploads::block;
use crate::conformance::verdict::{Failure, Verdict, ensure, error_of, same, transport_error};
use crate::fault_server::{Authority, Cut, FaultServer, Handshake, Received, Reply, Script, Tls};

cases!["TLS":
    a_root_certificate_is_trusted,
    an_unknown_issuer_is_not_trusted,
    an_expired_certificate_is_not_trusted,
    a_certificate_of_another_host_is_not_trusted,
    a_handshake_that_is_refused_is_an_error,
    a_handshake_that_breaks_off_is_no_connection,
    a_server_without_tls_is_an_error,
    plain_http_to_a_server_with_tls_is_an_error,
    a_client_certificate_is_shown_to_who_asks,
    a_server_that_wants_a_client_certificate_hears_of_none,
    tls_1_2_is_spoken,
    tls_1_3_is_spoken,
    the_server_is_asked_for_by_its_name,
    http_1_1_alone_is_offered_where_it_is_set,
    a_connection_is_used_again_over_tls,
    a_connection_that_went_stale_over_tls_costs_nothing,
    large_bodies_pass_both_ways_over_tls,
    a_body_that_ends_without_the_end_of_tls_is_an_error,
    dropping_the_body_closes_the_connection_over_tls,
];

/// A transport that trusts the servers of these cases.
fn trusting(bench: &Bench) -> Result<Arc<dyn Transport>, Error> {
    trusting_with(bench, |_| {})
}

fn trusting_with(
    bench: &Bench,
    change: impl FnOnce(&mut TransportSettings),
) -> Result<Arc<dyn Transport>, Error> {
    bench.transport_with(|settings| {
        settings.root_certificates.push(Authority::shared().root_certificate_pem().into());
        change(settings);
    })
}

fn hello(tls: &Tls) -> FaultServer {
    FaultServer::start_tls(Reply::ok("hello"), tls)
}

async fn a_root_certificate_is_trusted(bench: &Bench) -> Verdict {
    let server = hello(&Tls::good());
    same("the body", exchange(&trusting(bench)?, get(&server.url())).await?.text(), "hello")
}

/// Nothing was sent, and trying again does not help: DESIGN, section 5, "Retry".
async fn not_trusted(bench: &Bench, tls: Tls) -> Verdict {
    let server = hello(&tls);
    let error = error_of(exchange(&trusting(bench)?, get(&server.url())).await)?;
    transport_error(&error, &[TlsKind], Sent::No)?;
    same("the requests at the server", server.request_count(), 0)
}

async fn an_unknown_issuer_is_not_trusted(bench: &Bench) -> Verdict {
    not_trusted(bench, Tls::unknown_issuer()).await
}

async fn an_expired_certificate_is_not_trusted(bench: &Bench) -> Verdict {
    not_trusted(bench, Tls::expired()).await
}

/// RFC 9110, section 4.3.4.
async fn a_certificate_of_another_host_is_not_trusted(bench: &Bench) -> Verdict {
    not_trusted(bench, Tls::wrong_host()).await
}

async fn a_handshake_that_is_refused_is_an_error(bench: &Bench) -> Verdict {
    not_trusted(bench, Tls::good().refuse_handshake()).await
}

/// It may heal by itself, unlike a certificate.
async fn a_handshake_that_breaks_off_is_no_connection(bench: &Bench) -> Verdict {
    for cut in [Cut::Close, Cut::Reset] {
        let server = hello(&Tls::good().cut_handshake(cut));
        let error = error_of(exchange(&trusting(bench)?, get(&server.url())).await)?;
        transport_error(&error, &[Connect], Sent::No)?;
    }
    Ok(())
}

async fn a_server_without_tls_is_an_error(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let url = server.url().replace("http:", "https:");
    let error = error_of(exchange(&trusting(bench)?, get(&url)).await)?;
    transport_error(&error, &[TlsKind], Sent::No)?;
    same("the requests at the server", server.request_count(), 0)
}

/// What the server makes of it is up to the server: it alerts, closes or resets.
async fn plain_http_to_a_server_with_tls_is_an_error(bench: &Bench) -> Verdict {
    const KINDS: &[TransportErrorKind] = &[Protocol, Closed, Reset];
    let server = hello(&Tls::good());
    let url = server.url().replace("https:", "http:");
    let error = error_of(exchange(&trusting(bench)?, get(&url)).await)?;
    transport_error(&error, KINDS, Sent::Maybe)
}

async fn a_client_certificate_is_shown_to_who_asks(bench: &Bench) -> Verdict {
    let tls = Tls::good().require_client_certificate();
    let server = hello(&tls);
    let (chain, key) = tls.client_certificate();
    let me = ClientCertificate::from_pem(chain, key);
    let transport = trusting_with(bench, |settings| settings.client_certificate = Some(me))?;
    same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    let shown = server.requests()[0].handshake().is_some_and(Handshake::client_certificate);
    ensure(shown, "expected a client certificate at the server, saw none")
}

/// In TLS 1.3 it says so after the client's handshake, so the error is one of several.
async fn a_server_that_wants_a_client_certificate_hears_of_none(bench: &Bench) -> Verdict {
    for tls in [Tls::good(), Tls::good().only_tls12()] {
        let server = hello(&tls.require_client_certificate());
        let error = error_of(exchange(&trusting(bench)?, get(&server.url())).await)?;
        transport_error(&error, &[TlsKind, Closed, Reset, Connect], error.sent())?;
        same("the requests at the server", server.request_count(), 0)?;
    }
    Ok(())
}

/// What the first request's connection agreed on.
async fn agreed(bench: &Bench, server: &FaultServer) -> Result<Handshake, Failure> {
    exchange(&trusting(bench)?, get(&server.url().replace("127.0.0.1", "localhost"))).await?;
    let first = server.requests().first().and_then(Received::handshake).cloned();
    first.ok_or_else(|| Failure("expected a handshake, saw none".into()))
}

async fn tls_1_2_is_spoken(bench: &Bench) -> Verdict {
    let agreed = agreed(bench, &hello(&Tls::good().only_tls12())).await?;
    ensure(!agreed.is_tls13(), "expected TLS 1.2, saw 1.3")
}

async fn tls_1_3_is_spoken(bench: &Bench) -> Verdict {
    let agreed = agreed(bench, &hello(&Tls::good())).await?;
    ensure(agreed.is_tls13(), "expected TLS 1.3, saw 1.2")
}

/// RFC 6066, section 3.
async fn the_server_is_asked_for_by_its_name(bench: &Bench) -> Verdict {
    let agreed = agreed(bench, &hello(&Tls::good())).await?;
    same("the name", agreed.server_name(), Some("localhost"))
}

/// RFC 7301.
async fn http_1_1_alone_is_offered_where_it_is_set(bench: &Bench) -> Verdict {
    let server = hello(&Tls::good().alpn(["h2", "http/1.1"]));
    let transport = trusting_with(bench, |settings| {
        settings.protocol = Spoken::Http1;
    })?;
    exchange(&transport, get(&server.url())).await?;
    let alpn = server.requests()[0].alpn().map(str::to_owned);
    ensure(alpn.as_deref() != Some("h2"), format!("expected http/1.1 or nothing, saw {alpn:?}"))
}

async fn a_connection_is_used_again_over_tls(bench: &Bench) -> Verdict {
    let server = hello(&Tls::good());
    let transport = trusting(bench)?;
    for _ in 0..5 {
        exchange(&transport, get(&server.url())).await?;
        bench.settle().await?;
    }
    same("requests and connections", (server.request_count(), server.connections()), (5, 1))
}

async fn a_connection_that_went_stale_over_tls_costs_nothing(bench: &Bench) -> Verdict {
    let server = FaultServer::start_tls(Reply::ok("hello").close_silently(), &Tls::good());
    let transport = trusting(bench)?;
    for count in 1..=5 {
        let answer = exchange(&transport, post(&server.url(), "bytes")).await?;
        same("the body", answer.text(), "hello")?;
        bench.until("the connection's end", || server.open_connections() == 0).await;
        bench.settle().await?;
        same("the requests", server.request_count(), count)?;
    }
    Ok(())
}

async fn large_bodies_pass_both_ways_over_tls(bench: &Bench) -> Verdict {
    let echo = Script::respond_with(|request| Reply::ok(request.body()));
    let server = FaultServer::start_tls(echo, &Tls::good());
    let body = block(1 << 20);
    let answer = exchange(&trusting(bench)?, post(&server.url(), body.clone())).await?;
    ensure(answer.body == body, format!("expected 1 MiB as sent, saw {} bytes", answer.body.len()))
}

/// Without a length, only the end of TLS tells the end of the body from an attack: RFC 9112, section 9.8.
async fn a_body_that_ends_without_the_end_of_tls_is_an_error(bench: &Bench) -> Verdict {
    let reply = Reply::ok("hello").until_close().cut_body_after(3, Cut::Truncate);
    let server = FaultServer::start_tls(reply, &Tls::good());
    let error = error_of(exchange(&trusting(bench)?, get(&server.url())).await)?;
    transport_error(&error, &[Closed, Reset, TlsKind], Sent::Maybe)
}

async fn dropping_the_body_closes_the_connection_over_tls(bench: &Bench) -> Verdict {
    let reply = Reply::ok("hello").stall_body_after(2);
    let server = FaultServer::start_tls(reply, &Tls::good());
    let transport = trusting(bench)?;
    let mut body = transport.send(get(&server.url())).await?.into_body();
    same("the first piece", piece(&mut body).await?, "he")?;
    drop(body);
    bench.until("the connection's end", || server.open_connections() == 0).await;
    Ok(())
}
