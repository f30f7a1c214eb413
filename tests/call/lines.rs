//! The line: what it says of responses and of errors.

use midil_http_test::fault_server::{Cut, FaultServer, Reply};
use serde_json::json;

use crate::process::{Temp, call, kind, of};

#[test]
fn a_line_says_all_of_a_response_in_its_order() {
    let reply = Reply::ok("hello").header("x-two", "1").header("x-two", "2");
    let server = FaultServer::always(reply.header("content-type", "text/plain"));
    let ran = of("", format!("{}/a?b=c", server.url())).run();
    assert_eq!((ran.code, ran.problem.as_str()), (0, ""));
    let line = &ran.lines[0];
    let keys = [
        "status",
        "attempts",
        "elapsed_ms",
        "url",
        "http_version",
        "headers",
        "body_bytes",
        "body",
        "error",
    ];
    let mut from = 0;
    for key in keys {
        from += ran.output[from..].find(&format!("\"{key}\":")).expect(key);
    }
    assert_eq!(line.as_object().unwrap().len(), keys.len());
    assert_eq!((&line["status"], &line["attempts"]), (&json!(200), &json!(1)));
    assert!(line["elapsed_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(line["url"], json!(format!("{}/a?b=c", server.url())));
    assert_eq!(line["http_version"], json!("HTTP/1.1"));
    assert_eq!(line["headers"]["x-two"], json!(["1", "2"]));
    assert_eq!((&line["body_bytes"], &line["body"]), (&json!(5), &json!("hello")));
    assert_eq!(line["error"], json!(null));
}

#[test]
fn any_status_is_a_whole_response() {
    for status in [200, 204, 304, 400, 401, 404, 501] {
        let server = FaultServer::always(Reply::status(status));
        let (line, code) = of("", server.url()).line();
        assert_eq!((&line["status"], kind(&line), code), (&json!(status), "none", 0));
    }
}

#[test]
fn raise_for_status_makes_a_bad_one_an_error() {
    for (status, expected) in [(200, ("none", 0)), (404, ("Status", 1)), (501, ("Status", 1))] {
        let server = FaultServer::always(Reply::status(status).body("why"));
        let (line, code) = of("--raise-for-status", server.url()).line();
        assert_eq!((kind(&line), code), expected);
        assert_eq!((&line["status"], &line["body"]), (&json!(status), &json!("why")));
    }
}

#[test]
fn a_body_that_breaks_off_is_an_error_and_what_came_counts() {
    let cut = || FaultServer::always(Reply::ok("hello world").cut_body_after(5, Cut::Close));
    let (line, code) = of("--no-retry", cut().url()).line();
    assert_eq!((kind(&line), code), ("Transport", 1));
    assert_eq!((&line["status"], &line["body_bytes"]), (&json!(200), &json!(5)));
    let causes = line["error"]["causes"].as_array().unwrap();
    assert!(causes.iter().all(serde_json::Value::is_string), "{causes:?}");

    let file = Temp::absent("cut");
    let (line, code) = of(&format!("--no-retry -o {}", file.path()), cut().url()).line();
    assert_eq!((kind(&line), code, &line["body_bytes"]), ("Transport", 1, &json!(5)));
    assert_eq!((&line["body"], file.read()), (&json!(null), None), "a whole file or none");
}

#[test]
fn a_body_may_go_to_a_file() {
    let server = FaultServer::always(Reply::ok("hello"));
    for option in ["-o", "--output"] {
        let file = Temp::absent("output");
        let (line, code) = of(&format!("{option} {}", file.path()), server.url()).line();
        assert_eq!((code, &line["body"], &line["body_bytes"]), (0, &json!(null), &json!(5)));
        assert_eq!(file.read().as_deref(), Some("hello"));
    }
}

/// Nothing is sent, but the call was made: it is no bad usage.
#[test]
fn what_the_client_refuses_is_a_line_too() {
    let server = FaultServer::always(Reply::ok("hello"));
    let base = format!("--base-url {}/v1", server.url());
    let refused: [&[&str]; 5] = [
        &["no url"],
        &["ftp://127.0.0.1/"],
        &["--base-url", "https://api.test/v1", "/../etc"],
        &["--base-url", "https://api.test/v1", "https://other.test/"],
        &["-H", "x-bad: a\u{1}b", "http://127.0.0.1:9/"],
    ];
    for arguments in refused {
        let (line, code) = call(arguments.iter().copied()).line();
        assert_eq!(
            (kind(&line), code, &line["status"]),
            ("Build", 1, &json!(null)),
            "{arguments:?}"
        );
        assert!(line["error"]["message"].as_str().unwrap().len() > 10, "{line}");
    }
    let (line, _) = of(&base, "/users").line();
    assert_eq!(line["url"], json!(format!("{}/v1/users", server.url())));
    assert_eq!(server.request_count(), 1);
}

#[test]
fn what_the_options_describe_is_what_is_sent() {
    let server = FaultServer::always(Reply::ok("hello"));
    let options = "-q a=1 --query a=2 -q b=%26 -H x-own:1 --cookie c=1 --cookie d=2 DELETE";
    let (line, code) = of(options, format!("{}/p", server.url())).line();
    assert_eq!((code, kind(&line)), (0, "none"));
    let request = &server.requests()[0];
    assert_eq!((request.method(), request.target()), ("DELETE", "/p?a=1&a=2&b=%2526"));
    assert_eq!((request.header("x-own"), request.header("cookie")), (Some("1"), Some("c=1; d=2")));
}

#[test]
fn every_backend_makes_calls() {
    let backends: &[&str] = if cfg!(all(feature = "isahc", feature = "hyper")) {
        &["reqwest", "isahc", "hyper"]
    } else {
        &["reqwest"]
    };
    for backend in backends {
        let server = FaultServer::sequence([Reply::status(503), Reply::ok("hello")]);
        let options = format!("--base-delay 0.001 --backend {backend}");
        let (line, code) = of(&options, server.url()).line();
        assert_eq!((code, &line["body"], &line["attempts"]), (0, &json!("hello"), &json!(2)));
    }
}

/// Standard output is for the lines, whatever is logged.
#[test]
fn logs_go_elsewhere() {
    let server = FaultServer::always(Reply::ok("hello"));
    let ran = of("", server.url()).variable("RUST_LOG", "midil_http=debug").run();
    assert_eq!((ran.code, ran.lines.len()), (0, 1));
    assert!(ran.problem.contains("HTTP attempt"), "{}", ran.problem);
}
