//! What a newcomer calls: a token endpoint, and an API that is busy at first. When its input ends, it tells whether it was called
//! as the README says.

use std::io::{Read, stdin};
use std::process::ExitCode;

use midil_http_test::fault_server::{FaultServer, Received, Reply};

/// `client:secret`, encoded as RFC 6749 has it.
const BASIC: &str = "Basic Y2xpZW50OnNlY3JldA==";

fn main() -> ExitCode {
    let server = FaultServer::respond_with(|request| match request.target() {
        "/token" if request.header("authorization") == Some(BASIC) => {
            Reply::ok(r#"{"access_token":"a-token","token_type":"Bearer","expires_in":3600}"#)
        }
        "/v1/users?limit=10" if request.header("authorization") == Some("Bearer a-token") => {
            match request.header("x-client-version") {
                Some(_) => Reply::ok(r#"[{"name":"Ada"},{"name":"Grace"}]"#),
                None => Reply::status(400),
            }
        }
        _ => Reply::status(401),
    });
    println!("{}", server.url());
    let ended = stdin().read_to_end(&mut Vec::new());
    let seen: Vec<_> = server.requests().iter().map(line).collect();
    let expected = ["POST /token", "GET /v1/users?limit=10"];
    if ended.is_ok() && seen == expected {
        return ExitCode::SUCCESS;
    }
    eprintln!("the server expected {expected:?} and saw {seen:?}");
    ExitCode::FAILURE
}

fn line(request: &Received) -> String {
    format!("{} {}", request.method(), request.target())
}
