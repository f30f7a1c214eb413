//! Redirects, and which servers get what.

use midil_http_test::fault_server::{FaultServer, Reply, Tls};
use serde_json::json;

use crate::process::{Temp, call, kind, of};

fn to(location: impl Into<Vec<u8>>) -> Reply {
    Reply::status(302).header("location", location)
}

#[test]
fn redirects_are_followed_as_far_as_the_options_say() {
    for (options, status, error, requests) in [
        ("", 200, "none", 3),
        ("--no-follow", 302, "none", 1),
        ("--follow 2", 200, "none", 3),
        ("--follow 1", 302, "Redirect", 2),
        ("--follow 0", 302, "Redirect", 1),
    ] {
        let server = FaultServer::sequence([to("/a"), to("/b"), Reply::ok("there")]);
        let (line, code) = of(options, server.url()).line();
        assert_eq!((kind(&line), code), (error, i32::from(error != "none")), "{options}");
        assert_eq!(
            (&line["status"], server.request_count()),
            (&json!(status), requests),
            "{options}"
        );
        if requests == 3 {
            assert_eq!(line["url"], json!(format!("{}/b", server.url())), "the final one");
            assert_eq!(line["attempts"], json!(1), "a hop is no attempt");
        }
    }
}

#[test]
fn another_origin_is_called_only_when_it_may_and_gets_credentials_only_when_it_should() {
    for (option, status, credentials) in [
        ("", 302, None),
        ("--any-redirect", 200, Some(None)),
        ("--allow-origin", 200, Some(None)),
        ("--auth-origin", 200, Some(Some("Bearer t"))),
    ] {
        let other = FaultServer::always(Reply::ok("there"));
        let server = FaultServer::always(to(format!("{}/x", other.url())));
        let (url, elsewhere) = (server.url(), other.url());
        let mut arguments = vec!["--bearer", "t"];
        arguments.extend((!option.is_empty()).then_some(option));
        arguments.extend(option.ends_with("origin").then_some(elsewhere.as_str()));
        arguments.push(&url);
        let (line, code) = call(arguments).line();
        assert_eq!((&line["status"], code), (&json!(status), 0), "{option}");
        let seen = other
            .requests()
            .first()
            .map(|request| request.header("authorization").map(str::to_owned));
        assert_eq!(seen, credentials.map(|header| header.map(str::to_owned)), "{option}");
        assert_eq!(server.requests()[0].header("authorization"), Some("Bearer t"));
    }
}

#[test]
fn a_root_certificate_can_be_added() {
    let server = FaultServer::start_tls(
        midil_http_test::fault_server::Script::always(Reply::ok("hello")),
        &Tls::good(),
    );
    let (line, code) = of("--no-retry", server.url()).line();
    assert_eq!((kind(&line), code), ("Transport", 1), "nobody trusts it");
    let file = Temp::new("root.pem", server.root_certificate_pem());
    let (line, code) = call(["--ca", file.path(), &server.url()]).line();
    assert_eq!((&line["body"], code), (&json!("hello"), 0), "{line}");
}
