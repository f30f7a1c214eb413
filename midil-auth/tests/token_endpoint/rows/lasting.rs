//! What does not pass by itself: refusals, and answers that are no token.

use midil_http_core::AuthErrorKind;
use midil_http_test::Reply;

use AuthErrorKind::{Configuration, Malformed, Rejected};

use super::{Row, error, json, token};
use crate::bodies::{broken, endless, oversized};

const REQUEST: &str = "the token endpoint refused the request: is token_url right?";
const NOTHING: &str = "there is no token endpoint at token_url: check it";
const NO_TOKEN: &str =
    "the token endpoint's answer is no JSON object of a token: is token_url right?";
const HUGE: &str = "the token endpoint's answer has more than 256 KiB: is token_url right?";
const CLIENT: &str =
    "the token endpoint refused the client: check client_id, client_secret and auth_method";

pub(super) fn rows() -> Vec<Row> {
    refusals().into_iter().chain(wrong_answers()).chain(wrong_fields()).collect()
}

fn refusals() -> Vec<Row> {
    let redirects = "the token endpoint redirects, and a secret does not follow: set token_url to where it leads";
    let scope = "the token endpoint refused what was asked for: check scope, audience and resource";
    let grant =
        "the token endpoint does not give client credentials to this client: allow the grant there";
    vec![
        error(
            "401 `invalid_client`",
            |_| vec![json(401, r#"{"error":"invalid_client","error_description":"no client r3ports of hunter+2"}"#)],
            &[],
            Rejected,
            CLIENT,
        )
        .status(401)
        .oauth("invalid_client", Some("no client … of …")),
        error("401 with a truncated body", |_| vec![Reply::status(401).body(broken("{"))], &[], Rejected, CLIENT).status(401),
        error("400 `invalid_scope`", |_| vec![json(400, r#"{"error":"invalid_scope"}"#)], &[], Rejected, scope).status(400).oauth("invalid_scope", None),
        error("400 `unauthorized_client`", |_| vec![json(400, r#"{"error":"unauthorized_client"}"#)], &[], Rejected, grant).status(400).oauth("unauthorized_client", None),
        error("400 with a code of its own", |_| vec![json(400, r#"{"error":"AADSTS7000215","error_description":"expired"}"#)], &[], Rejected, "the token endpoint refused the request").status(400).oauth("AADSTS7000215", Some("expired")),
        error("400, no JSON", |_| vec![Reply::status(400).body("bad key=k3y")], &[], Rejected, REQUEST).status(400),
        error("403", |_| vec![Reply::status(403)], &[], Rejected, CLIENT).status(403),
        error("404", |_| vec![Reply::status(404).body("<html>")], &[], Configuration, NOTHING).status(404),
        error("200 with `invalid_client`", |_| vec![json(200, r#"{"error":"invalid_client"}"#)], &[], Rejected, CLIENT).status(200).oauth("invalid_client", None),
        error("302", |_| vec![Reply::status(302).header("location", "https://evil.test/?key=k3y")], &[], Configuration, redirects).status(302),
        error("307", |_| vec![Reply::status(307).header("location", "/elsewhere")], &[], Configuration, redirects).status(307),
    ]
}

fn wrong_answers() -> Vec<Row> {
    let html = "the token endpoint's answer is no JSON object of a token, but text/html: is token_url right?";
    vec![
        error(
            "200, HTML",
            |_| vec![Reply::ok().header("content-type", "text/html").body("<html>t0ken k3y")],
            &[],
            Malformed,
            html,
        ),
        error(
            "200, half of the JSON",
            |_| vec![json(200, r#"{"access_token":"t0ken","#)],
            &[],
            Malformed,
            NO_TOKEN,
        ),
        error(
            "200, a JSON array",
            |_| vec![json(200, r#"["t0ken","Bearer",3600]"#)],
            &[],
            Malformed,
            NO_TOKEN,
        ),
        error("204", |_| vec![Reply::status(204)], &[], Malformed, NO_TOKEN),
        error(
            "200, huge: 10 GiB announced",
            |_| vec![Reply::ok().body(oversized())],
            &[],
            Malformed,
            HUGE,
        ),
        error(
            "200, huge: endless stream",
            |_| vec![Reply::ok().body(endless())],
            &[],
            Malformed,
            HUGE,
        ),
    ]
}

fn wrong_fields() -> Vec<Row> {
    let kind = "the token endpoint's answer has a token_type other than Bearer, which is all that this client understands";
    let no_text = "the token endpoint's answer has an access_token that is no text";
    let missing = "the token endpoint's answer has no access_token: is token_url right?";
    let empty = "the token endpoint's answer has an empty access_token";
    let header = "the token holds characters that a header cannot: check what the authority issues";
    let bad = |fault, script, message| error(fault, script, &[], Malformed, message);
    vec![
        bad("`access_token` missing", |_| vec![json(200, r#"{"token_type":"Bearer"}"#)], missing),
        bad("`access_token` null", |_| vec![json(200, r#"{"access_token":null}"#)], missing),
        bad("`access_token` empty", |_| vec![json(200, r#"{"access_token":""}"#)], empty),
        bad("`access_token` a number", |_| vec![json(200, r#"{"access_token":1}"#)], no_text),
        bad(
            "`access_token` an object",
            |_| vec![json(200, r#"{"access_token":{"t0ken":1}}"#)],
            no_text,
        ),
        bad(
            "`access_token` with a line end",
            |_| vec![json(200, r#"{"access_token":"t0ken\n"}"#)],
            header,
        ),
        bad(
            "`token_type` `mac`",
            |_| vec![json(200, r#"{"access_token":"t0ken","token_type":"mac"}"#)],
            kind,
        ),
        bad(
            "`token_type` a number",
            |_| vec![json(200, r#"{"access_token":"t0ken","token_type":1}"#)],
            kind,
        ),
        bad(
            "a field twice",
            |_| vec![json(200, r#"{"access_token":"t0ken","access_token":"t0ken"}"#)],
            NO_TOKEN,
        ),
        token(
            "`token_type` missing",
            |_| vec![json(200, r#"{"access_token":"t0ken","expires_in":3600}"#)],
            &[],
        ),
        token("`expires_in` missing", |_| vec![json(200, r#"{"access_token":"t0ken"}"#)], &[]),
        token(
            "`expires_in` `\"soon\"`",
            |_| vec![json(200, r#"{"access_token":"t0ken","expires_in":"soon"}"#)],
            &[],
        ),
        token(
            "`expires_in` −5",
            |_| vec![json(200, r#"{"access_token":"t0ken","expires_in":-5}"#)],
            &[],
        ),
        token(
            "`expires_in` 1e400",
            |_| vec![json(200, r#"{"access_token":"t0ken","expires_in":1e400}"#)],
            &[],
        ),
    ]
}
