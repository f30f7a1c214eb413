//! What no error shows: queries, header values, userinfo.

use midil_http_core::{Body, Error, Request, Transport as _};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{WithHeader as _, exchange, get};
use crate::conformance::verdict::{Verdict, ensure, everything};
use crate::fault_server::{Cut, FaultServer, OnConnect, Reply, Script};

cases!["Secrets":
    no_error_shows_a_query,
    no_error_shows_the_value_of_a_header,
    no_error_shows_a_body,
    userinfo_is_neither_sent_nor_shown,
];

const SECRET: &str = "hunter2";

/// Every fault that a server can make, met by requests that `make` makes for its URL.
async fn in_no_error(bench: &Bench, make: impl Fn(&str) -> Request + Send) -> Verdict {
    let transport = bench.common()?;
    let port = FaultServer::refusing();
    let closing = FaultServer::start(Script::always(Reply::ok("")).on_connect([OnConnect::Close]));
    let mut urls = vec![
        format!("{}/", port.url()),
        format!("{}/", closing.url()),
        format!("{}/", closing.url().replace("http:", "https:")),
        format!("http://{}.invalid/", "a".repeat(64)),
    ];
    let servers = [
        Reply::close_before_head(),
        Reply::reset_before_head(),
        Reply::garbage(),
        Reply::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {SECRET}\r\n\r\n")),
        Reply::ok("hello").content_length(100),
        Reply::ok("hello").cut_body_after(2, Cut::Reset),
    ]
    .map(FaultServer::always);
    urls.extend(servers.iter().map(|server| format!("{}/", server.url())));
    let mut errors = 0;
    for url in urls {
        // Whether there is one is for other cases to say.
        let Err(error) = exchange(&transport, make(&url)).await else { continue };
        errors += 1;
        let shown = everything(&error);
        let secret = shown.contains(SECRET);
        ensure(!secret, format!("expected no error to show the secret, saw {shown}"))?;
    }
    ensure(errors > 0, "expected errors, saw none")
}

async fn no_error_shows_a_query(bench: &Bench) -> Verdict {
    in_no_error(bench, |url| get(&format!("{url}?token={SECRET}"))).await
}

async fn no_error_shows_the_value_of_a_header(bench: &Bench) -> Verdict {
    in_no_error(bench, |url| get(url).with_header("x-token", SECRET)).await
}

async fn no_error_shows_a_body(bench: &Bench) -> Verdict {
    in_no_error(bench, |url| get(url).with_body(Body::from(SECRET))).await
}

/// A transport refuses it, or leaves it out: credentials are given to the client.
async fn userinfo_is_neither_sent_nor_shown(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let url = server.url().replace("http://", &format!("http://user:{SECRET}@"));
    match bench.common()?.send(get(&url)).await {
        Err(error @ Error::Build(_)) => {
            let shown = everything(&error);
            ensure(!shown.contains(SECRET), format!("expected no secret, saw {shown}"))
        }
        Err(error) => Err(error.into()),
        Ok(_) => {
            let requests = server.requests();
            let head = String::from_utf8_lossy(requests[0].head_bytes()).to_lowercase();
            let sent =
                head.contains(SECRET) || head.contains("authorization") || head.contains('@');
            ensure(!sent, "expected no userinfo to be sent, saw it in the head")
        }
    }
}
