//! The head of a request: what is sent, and that nothing is added.

use http::{HeaderName, HeaderValue, Method};
use midil_http_core::{Request, Transport as _};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{WithHeader as _, exchange, get, post, request};
use crate::conformance::uploads::once;
use crate::conformance::verdict::{Failure, Verdict, ensure, same};
use crate::fault_server::{FaultServer, Received, Reply};

cases!["Requests":
    a_method_arrives_as_it_is,
    a_method_of_the_callers_own_arrives,
    a_path_arrives_byte_by_byte,
    a_query_arrives_byte_by_byte,
    a_fragment_is_not_sent,
    an_empty_path_is_a_slash,
    the_host_names_its_port,
    a_host_of_the_callers_choice_is_kept,
    a_header_arrives,
    a_header_with_many_values_keeps_them_all,
    an_empty_header_value_arrives,
    bytes_beyond_ascii_in_a_header_arrive,
    a_long_header_arrives,
    many_headers_arrive,
    a_sensitive_header_arrives,
    http_1_1_is_spoken,
    no_header_is_added_but_framing,
    no_accept_is_added,
    no_accept_encoding_is_added,
    no_user_agent_is_added,
    no_expect_is_added,
    no_referer_is_added,
];

/// The request as the server received it.
async fn received(
    bench: &Bench,
    make: impl FnOnce(&str) -> Request + Send,
) -> Result<Received, Failure> {
    let server = FaultServer::always(Reply::ok(""));
    let request = make(&server.url());
    exchange(&bench.common()?, request).await?;
    let first = server.requests().into_iter().next();
    first.ok_or_else(|| Failure("expected a request, saw none".into()))
}

/// RFC 9110, section 9.
async fn a_method_arrives_as_it_is(bench: &Bench) -> Verdict {
    let transport = bench.common()?;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let server = FaultServer::always(Reply::ok(""));
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        exchange(&transport, request(method.clone(), &server.url(), ())).await?;
        same("the method", server.requests()[0].method(), method.as_str())?;
    }
    Ok(())
}

async fn a_method_of_the_callers_own_arrives(bench: &Bench) -> Verdict {
    let purge = Method::from_bytes(b"PURGE").unwrap_or_default();
    let received = received(bench, |url| request(purge, url, ())).await?;
    same("the method", received.method(), "PURGE")
}

async fn a_path_arrives_byte_by_byte(bench: &Bench) -> Verdict {
    let received =
        received(bench, |url| get(&format!("{url}/a%20b/%2F/%c3%A9/~'(x)*!;,=@:$&+/"))).await?;
    same("the target", received.target(), "/a%20b/%2F/%c3%A9/~'(x)*!;,=@:$&+/")
}

async fn a_query_arrives_byte_by_byte(bench: &Bench) -> Verdict {
    for query in ["x=%2F&y=&z=a+b&q=%e2", "", "=&&?", "a=b?c/d", "sig=%2B%3D%3d"] {
        let received = received(bench, |url| get(&format!("{url}/a?{query}"))).await?;
        same("the target", received.target(), format!("/a?{query}").as_str())?;
    }
    Ok(())
}

/// RFC 9110, section 7.1.
async fn a_fragment_is_not_sent(bench: &Bench) -> Verdict {
    let received = received(bench, |url| get(&format!("{url}/a?b=c#secret"))).await?;
    same("the target", received.target(), "/a?b=c")
}

/// RFC 9112, section 3.2.1.
async fn an_empty_path_is_a_slash(bench: &Bench) -> Verdict {
    for (url_end, target) in [("", "/"), ("?a=b", "/?a=b")] {
        let received = received(bench, |url| get(&format!("{url}{url_end}"))).await?;
        same("the target", received.target(), target)?;
    }
    Ok(())
}

/// RFC 9110, section 7.2.
async fn the_host_names_its_port(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    exchange(&bench.common()?, get(&server.url())).await?;
    let hosts = server.requests()[0].headers_named("host").map(str::to_owned).collect::<Vec<_>>();
    same("the Host", hosts, [server.address().to_string()])
}

async fn a_host_of_the_callers_choice_is_kept(bench: &Bench) -> Verdict {
    let received = received(bench, |url| get(url).with_header("host", "api.example.com")).await?;
    let hosts = Vec::from_iter(received.headers_named("host"));
    same("the Host", hosts, ["api.example.com"])
}

async fn a_header_arrives(bench: &Bench) -> Verdict {
    let received = received(bench, |url| get(url).with_header("x-id", "7, \"a b\"; c=d")).await?;
    same("the header", received.header("X-Id"), Some("7, \"a b\"; c=d"))
}

/// RFC 9110, section 5.3: their order may mean something.
async fn a_header_with_many_values_keeps_them_all(bench: &Bench) -> Verdict {
    let many = |url: &str| {
        ["b", "a", "a"]
            .into_iter()
            .fold(get(url), |request, value| request.with_header("x-many", value))
    };
    let received = received(bench, many).await?;
    same(
        "the values",
        Vec::from_iter(received.headers_named("x-many")).join("|").replace(", ", "|"),
        "b|a|a",
    )
}

async fn an_empty_header_value_arrives(bench: &Bench) -> Verdict {
    let received = received(bench, |url| get(url).with_header("x-empty", "")).await?;
    same("the header", received.header("x-empty"), Some(""))
}

/// RFC 9110, section 5.5: `obs-text`.
async fn bytes_beyond_ascii_in_a_header_arrive(bench: &Bench) -> Verdict {
    let value = HeaderValue::from_bytes(b"caf\xe9 \xc3\xa9")?;
    let received = received(bench, |url| {
        let mut request = get(url);
        request.headers_mut().insert(HeaderName::from_static("x-name"), value);
        request
    });
    let received = received.await?;
    let head = received.head_bytes();
    let there = head.windows(8).any(|window| window == b"caf\xe9 \xc3\xa9\r");
    ensure(
        there,
        format!("expected the value as it was given, saw {:?}", received.header("x-name")),
    )
}

async fn a_long_header_arrives(bench: &Bench) -> Verdict {
    let value = HeaderValue::from_bytes(&[b'x'; 32 * 1024])?;
    let received = received(bench, |url| {
        let mut request = get(url);
        request.headers_mut().insert(HeaderName::from_static("x-long"), value);
        request
    });
    same(
        "the length of the header",
        received.await?.header("x-long").map(str::len),
        Some(32 * 1024),
    )
}

async fn many_headers_arrive(bench: &Bench) -> Verdict {
    const NAMES: [&str; 4] = ["x-a", "x-b", "x-c", "x-d"];
    let many = |url: &str| {
        (0..25).flat_map(|_| NAMES).fold(get(url), |request, name| request.with_header(name, name))
    };
    let received = received(bench, many).await?;
    for name in NAMES {
        let values = received.headers_named(name).flat_map(|value| value.split(", ")).count();
        same("the number of values", values, 25)?;
    }
    Ok(())
}

/// That it is not shown does not mean that it is not sent.
async fn a_sensitive_header_arrives(bench: &Bench) -> Verdict {
    let received = received(bench, |url| {
        let mut request = get(url);
        let mut value = HeaderValue::from_static("Bearer hunter2");
        value.set_sensitive(true);
        request.headers_mut().insert(http::header::AUTHORIZATION, value);
        request
    });
    same("the header", received.await?.header("authorization"), Some("Bearer hunter2"))
}

/// Over plain http, where nothing is negotiated.
async fn http_1_1_is_spoken(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok(""));
    let response = bench.common()?.send(get(&server.url())).await?;
    same("the version of the response", response.version(), http::Version::HTTP_11)?;
    same("the version of the request", server.requests()[0].version(), "HTTP/1.1")?;
    ensure(server.requests()[0].header("upgrade").is_none(), "expected no Upgrade, saw one")
}

/// What the client does not say, the server does not hear. Headers that have cases of their own are set here.
async fn no_header_is_added_but_framing(bench: &Bench) -> Verdict {
    const FRAMING: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
    const GIVEN: [&str; 4] = ["accept", "user-agent", "accept-encoding", "x-given"];
    let server = FaultServer::always(Reply::ok(""));
    let transport = bench.common()?;
    let given = |request: Request| {
        GIVEN.into_iter().fold(request, |request, name| request.with_header(name, "given"))
    };
    for request in
        [get(&server.url()), post(&server.url(), "bytes"), post(&server.url(), once(&["a", "b"]))]
    {
        exchange(&transport, given(request)).await?;
    }
    for received in server.requests() {
        for (name, value) in received.headers() {
            let name = name.to_ascii_lowercase();
            let is_given = GIVEN.contains(&name.as_str()) && value == "given";
            ensure(
                is_given || FRAMING.contains(&name.as_str()),
                format!("expected no header but those given, saw {name}"),
            )?;
        }
    }
    Ok(())
}

async fn absent(bench: &Bench, name: &str) -> Verdict {
    let received = received(bench, |url| post(url, "bytes")).await?;
    let seen = received.header(name);
    ensure(seen.is_none(), format!("expected no {name}, saw {seen:?}"))
}

async fn no_accept_is_added(bench: &Bench) -> Verdict {
    absent(bench, "accept").await
}

/// Who asks for an encoding has to decode it: that is the client's.
async fn no_accept_encoding_is_added(bench: &Bench) -> Verdict {
    absent(bench, "accept-encoding").await
}

async fn no_user_agent_is_added(bench: &Bench) -> Verdict {
    absent(bench, "user-agent").await
}

/// Servers that do not know it cost a second for each upload.
async fn no_expect_is_added(bench: &Bench) -> Verdict {
    let large = received(bench, |url| post(url, vec![0; 2 << 20])).await?;
    let stream = received(bench, |url| post(url, once(&["a", "b"]))).await?;
    let seen = (large.header("expect"), stream.header("expect"));
    ensure(seen == (None, None), format!("expected no Expect, saw {seen:?}"))
}

/// Where a caller comes from is nobody's business; it may hold secrets, too.
async fn no_referer_is_added(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::status(302).header("location", "/b"), Reply::ok("")]);
    let transport = bench.common()?;
    for path in ["/a?token=hunter2", "/b"] {
        exchange(&transport, get(&format!("{}{path}", server.url()))).await?;
    }
    let seen = server.requests().iter().any(|request| request.header("referer").is_some());
    ensure(!seen, "expected no Referer, saw one")
}
