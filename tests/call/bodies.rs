//! Bodies: what each option sends, and whether it can be sent again.

use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::json;

use crate::process::{Temp, call, kind};

#[test]
fn each_option_is_its_own_kind_of_body() {
    let file = Temp::new("body", "from a file");
    let json: (&[&str], _, _) = (&["--json", r#"{"a":1}"#], Some("application/json"), r#"{"a":1}"#);
    let cases = [
        json,
        (&["--data", "a b"], Some("application/json"), "a b"),
        (
            &["--form", "a=1", "--form", "b=x y"],
            Some("application/x-www-form-urlencoded"),
            "a=1&b=x+y",
        ),
        (&["--data", "x", "-H", "content-type: text/plain"], Some("text/plain"), "x"),
    ];
    for (options, content_type, body) in cases {
        let server = FaultServer::always(Reply::ok(""));
        let url = server.url();
        let (line, code) = call(options.iter().copied().chain(["POST", &url])).line();
        assert_eq!((kind(&line), code), ("none", 0), "{options:?}");
        let request = &server.requests()[0];
        let sent = String::from_utf8_lossy(request.body()).into_owned();
        assert_eq!((request.header("content-type"), sent.as_str()), (content_type, body));
    }
    for option in ["--upload", "--stream"] {
        let server = FaultServer::always(Reply::ok(""));
        let (_, code) = call([option, file.path(), "PUT", &server.url()]).line();
        assert_eq!((code, server.requests()[0].body()), (0, &b"from a file"[..]), "{option}");
    }
}

#[test]
fn what_can_be_sent_again_is_and_what_cannot_is_not() {
    let file = Temp::new("again", "again");
    for (option, attempts, code) in [("--upload", 2, 0), ("--stream", 1, 0)] {
        let server = FaultServer::sequence([Reply::status(503), Reply::ok("")]);
        let options = ["--base-delay", "0.001", option, file.path(), "PUT"];
        let url = server.url();
        let ran = call(options.into_iter().chain([url.as_str()])).line();
        assert_eq!((&ran.0["attempts"], ran.1), (&json!(attempts), code), "{option}");
        assert_eq!(server.request_count(), attempts);
    }
}

#[test]
fn standard_input_is_a_body_that_is_read_once() {
    let server = FaultServer::always(Reply::ok(""));
    let (_, code) = call(["--stream", "-", "POST", &server.url()]).input("piped").line();
    assert_eq!((code, server.requests()[0].body()), (0, &b"piped"[..]));
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_its_call() {
    let missing = Temp::absent("missing");
    for option in ["--upload", "--stream"] {
        let (line, code) = call([option, missing.path(), "PUT", "http://127.0.0.1:9/"]).line();
        assert_eq!((kind(&line), code), ("Build", 1), "{option}");
        assert!(line["error"]["message"].as_str().unwrap().contains(missing.path()), "{line}");
    }
}

#[cfg(feature = "multipart")]
#[test]
fn a_file_of_a_form_makes_it_one_of_several_parts() {
    let file = Temp::new("part.txt", "inside");
    let server = FaultServer::always(Reply::ok(""));
    let field = format!("minutes={}", file.path());
    let (_, code) = call(["--form", "a=1", "--file", &field, "POST", &server.url()]).line();
    let request = &server.requests()[0];
    let text = String::from_utf8_lossy(request.body()).into_owned();
    assert_eq!(code, 0);
    assert!(request.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    assert!(text.contains("name=\"a\"") && text.contains("name=\"minutes\""), "{text}");
    assert!(text.contains("inside") && text.contains("text/plain"), "{text}");
}
