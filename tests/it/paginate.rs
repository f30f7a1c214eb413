//! Pages: where the next one is, where it must not be, when there is none, and how to go on.
#![cfg(all(feature = "reqwest", feature = "retry"))]

mod ahead;
mod edges;

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use http::StatusCode;
use midil_http::{
    Body, Error, HttpClient, HttpClientBuilder, JsonLink, OffsetLimit, Page, PageCursor,
    PageErrorKind, PageItems, PageNumber, PageToken, Paginate, Request, ReqwestTransport, Runtime,
    Transport,
};
use midil_http_test::fault_server::{FaultServer, Received, Reply as WireReply};
use midil_http_test::{ManualRuntime, MockTransport, RecordedRequest, Reply};
use serde_json::{Value, json};

use crate::support::whole::{by_default, of, on_the_wire};
use crate::support::{Tokens, over};

/// A server of so many numbers, in pages of two, which answers what it is asked by a cursor, an offset or a page's number.
fn numbers(count: u64) -> impl Transport {
    move |request: Request| async move {
        let asked = |name: &str| {
            let mut pairs = request.url().query_pairs();
            pairs.find(|(of, _)| of == name).and_then(|(_, value)| value.parse::<u64>().ok())
        };
        let page = asked("page").map(|page| (page - 1) * 2);
        let start = asked("cursor").or(asked("offset")).or(page).unwrap_or(0);
        let end = (start + 2).min(count);
        let items: Vec<_> = (start..end).collect();
        let next = (end < count).then_some(end);
        let json = json!({
            "items": items,
            "total": count,
            "last": count.div_ceil(2),
            "next": next,
            "link": next.map(|next| format!("?cursor={next}")),
            "links": {"next": next.map(|next| json!({"href": format!("/v1/numbers?cursor={next}")}))},
        });
        let mut response = http::Response::builder();
        if let Some(next) = next {
            response = response.header("link", "</style.css>; rel=preload");
            response = response.header(
                "link",
                format!("<?cursor=0>; rel=first, <?cursor={next}>; rel=\"last next\""),
            );
            response = response.header("x-next", next.to_string());
        }
        Ok(response.body(Body::from(json.to_string())).unwrap())
    }
}

fn paginate(transport: impl Transport) -> Paginate {
    let client = over(transport).build().unwrap();
    client.paginate(client.get("/numbers")).items_at("/items")
}

/// All items, and the error at the end.
fn all(items: PageItems<u64>) -> (Vec<u64>, Option<Error>) {
    let mut had = Vec::new();
    let mut error = None;
    let mut items = items;
    while let Some(item) = items.next().now_or_never().expect("nothing to wait for") {
        match item {
            Ok(item) => had.push(item),
            Err(problem) => error = Some(problem),
        }
    }
    assert!(items.next().now_or_never().expect("it is over").is_none());
    (had, error)
}

#[test]
fn every_strategy_comes_to_the_last_item_and_knows_it() {
    type By = fn(Paginate) -> Paginate;
    let strategies: [(&str, By, [usize; 4]); 9] = [
        // Requests for 0, 1, 4 and 5 items: without a total, the last page is an empty one.
        ("Link", |all| all, [1, 1, 2, 3]),
        ("a link", |all| all.by(JsonLink::at("/link")), [1, 1, 2, 3]),
        ("JSON:API", |all| all.by(JsonLink::at("/links/next")), [1, 1, 2, 3]),
        ("a cursor", |all| all.by(PageToken::at("/next")), [1, 1, 2, 3]),
        (
            "a header",
            |all| all.by(PageToken::in_header("x-next").with_query("cursor")),
            [1, 1, 2, 3],
        ),
        ("an offset", |all| all.by(OffsetLimit::new("offset")), [1, 2, 3, 4]),
        (
            "an offset and a total",
            |all| all.by(OffsetLimit::new("offset").total_at("/total")),
            [1, 1, 2, 3],
        ),
        ("a number", |all| all.by(PageNumber::new("page")), [1, 2, 3, 4]),
        (
            "a number and the last",
            |all| all.by(PageNumber::new("page").last_at("/last")),
            [1, 1, 2, 3],
        ),
    ];
    for (name, by, requests) in strategies {
        for (count, requests) in [0, 1, 4, 5].into_iter().zip(requests) {
            let mock = MockTransport::new();
            let server = std::sync::Arc::new(numbers(count));
            let recording = {
                let mock = mock.clone();
                move |request: Request| {
                    let (server, mock) = (std::sync::Arc::clone(&server), mock.clone());
                    async move {
                        mock.reply(Reply::ok());
                        mock.send(request.try_clone().unwrap()).await?;
                        server.send(request).await
                    }
                }
            };
            let (items, error) = all(by(paginate(recording)).items());
            assert_eq!(items, (0..count).collect::<Vec<_>>(), "{name}");
            assert!(error.is_none(), "{name}: {error:?}");
            assert_eq!(mock.request_count(), requests, "{name} of {count}");
        }
    }
}

/// A page like any other where the server says that there is more; otherwise there would be items lost.
#[test]
fn an_empty_page_in_the_middle_is_no_end_where_the_server_names_the_next() {
    let pages = [r#"{"items":[0],"next":"b"}"#, r#"{"items":[],"next":"c"}"#, r#"{"items":[1]}"#];
    let mock = MockTransport::sequence(pages.map(|page| Reply::ok().body(page)));
    let (items, error) = all(paginate(mock).by(PageToken::at("/next")).items());
    assert!(items == [0, 1] && error.is_none());
}

#[test]
fn every_page_is_a_call_as_the_first_was() {
    #[derive(Clone)]
    struct Tenant(&'static str);

    let runtime = ManualRuntime::new();
    let page = |next: Option<&str>| Reply::ok().json(&json!({"items": [0], "next": next}));
    let mock = MockTransport::sequence([
        page(Some("b")),
        Reply::status(503),
        Reply::status(401),
        page(Some("c")),
        page(None),
    ]);
    let tokens = Tokens::default();
    let note = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let tenants = std::sync::Arc::clone(&note);
    let client = over(mock.clone())
        .runtime(runtime.clone())
        .auth(tokens)
        .retry(by_default())
        .header("x-base", "1")
        .middleware(midil_http::middleware_fn(move |request: Request, next| {
            let tenant = request.extensions().get::<Tenant>().map(|tenant| tenant.0);
            tenants
                .lock()
                .unwrap()
                .push((tenant, request.head().settings().and_then(|s| s.timeout)));
            Box::pin(next.run(request))
        }))
        .build()
        .unwrap();
    let first = client
        .post("/numbers:search")
        .query(&[("limit", "1")])
        .json(&json!({"name": "A*"}))
        .header("x-own", "2")
        .idempotent(true)
        .timeout(Duration::from_secs(7))
        .extension(Tenant("7"));
    let by = PageToken::at("/next").with_json("/token");
    let items = client.paginate(first).by(by).items_at("/items").items::<u64>();
    assert_eq!(runtime.block_on(items.try_collect::<Vec<_>>()).unwrap(), [0, 0, 0]);

    let requests = mock.requests();
    let tokens: Vec<_> = requests
        .iter()
        .map(|request| request.json::<Value>()["token"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(
        tokens,
        [None, Some("b"), Some("b"), Some("b"), Some("c")].map(|token| token.map(str::to_owned))
    );
    for request in &requests {
        assert_eq!(
            (request.method(), request.url().query()),
            (&http::Method::POST, Some("limit=1"))
        );
        assert_eq!(request.json::<Value>()["name"], "A*");
        for (name, value) in [("x-base", "1"), ("x-own", "2"), ("content-type", "application/json")]
        {
            assert_eq!(request.header(name), Some(value));
        }
    }
    let given: Vec<_> =
        requests.iter().filter_map(|request| request.header("authorization")).collect();
    assert_eq!(given, ["Bearer t1", "Bearer t2", "Bearer t3", "Bearer t4", "Bearer t5"]);
    assert_eq!(*note.lock().unwrap(), [(Some("7"), Some(Duration::from_secs(7))); 3]);
}

/// A page behind a redirect, and links relative to where it ended.
#[test]
fn a_relative_link_is_one_of_the_url_that_answered() {
    on_the_wire(async {
        let server = FaultServer::respond_with(|request: &Received| match request.target() {
            "/users" => WireReply::status(307).header("location", "/v2/users/"),
            "/v2/users/" => WireReply::ok("[0]").header("link", "<more?x=1#y>; rel=next"),
            "/v2/users/more?x=1" => {
                let other = "<elsewhere>; rel=next; anchor=\"/other\", <../last>; rel=next; anchor=\"#top\"";
                WireReply::ok("[1]").header("link", other)
            }
            "/v2/last" => WireReply::status(204),
            other => panic!("{other}"),
        });
        let client = of(&server).build().unwrap();
        let items = client.paginate(client.get("/users")).items::<u64>();
        // The anchor `#top` is not the page itself.
        assert_eq!(items.try_collect::<Vec<_>>().await.unwrap(), [0, 1]);
        let same = |page: &Page| {
            assert_eq!(page.requested_url().path() == "/users", page.number() == 1);
            Ok(page.next().cloned())
        };
        let pages = client.paginate(client.get("/users")).by(same).pages();
        assert_eq!(pages.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    });
}

fn linking(to: impl Fn(&str) -> String + Send + Sync + 'static) -> FaultServer {
    FaultServer::respond_with(move |request: &Received| {
        let reply = WireReply::ok("[1]");
        match to(request.target()) {
            link if link.is_empty() => reply,
            link => reply.header("link", format!("<{link}>; rel=next")),
        }
    })
}

#[test]
fn a_next_page_elsewhere_is_an_error_unless_it_is_allowed_and_gets_no_secrets() {
    on_the_wire(async {
        let elsewhere = linking(|_| String::new());
        let url = elsewhere.url();
        let server = linking(move |_| format!("{url}/x?token=hunter2"));
        let first = |client: &HttpClient| {
            let request =
                client.get("/").header("authorization", "Bearer hunter2").header("x-tenant", "7");
            client.paginate(request)
        };
        let client = of(&server).build().unwrap();
        let mut items = first(&client).items::<u64>();
        assert_eq!(items.next().await.unwrap().unwrap(), 1);
        match items.next().await {
            Some(Err(Error::Page(error))) => {
                assert_eq!(error.kind(), PageErrorKind::ForeignOrigin);
                let message = error.to_string();
                assert!(
                    message.contains("`allow_origin`") && message.contains(&elsewhere.url()),
                    "{message}"
                );
                assert!(!message.contains("hunter2"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        assert!(items.next().await.is_none());
        assert_eq!(elsewhere.request_count(), 0);

        let client = of(&server).allow_origin(elsewhere.url()).build().unwrap();
        assert_eq!(first(&client).items::<u64>().try_collect::<Vec<_>>().await.unwrap(), [1, 1]);
        let requests = elsewhere.requests();
        assert_eq!(requests[0].header("authorization"), None);
        assert_eq!(requests[0].header("x-tenant"), Some("7"));
    });
}

#[test]
fn pages_that_go_in_circles_are_an_error_that_names_them() {
    on_the_wire(async {
        let server = linking(|target| {
            match target {
                "/" => "/a?t=hunter2",
                "/a?t=hunter2" => "/b",
                _ => "/a?t=hunter2#again",
            }
            .to_owned()
        });
        let client = of(&server).build().unwrap();
        let mut pages = client.paginate(client.get("/")).pages();
        for _ in 0..3 {
            pages.next().await.unwrap().unwrap();
        }
        match pages.next().await {
            Some(Err(Error::Page(error))) => {
                assert_eq!(error.kind(), PageErrorKind::Loop);
                let message = error.to_string();
                assert!(
                    message.contains("page 4")
                        && message.contains("/a")
                        && message.contains("page 2 was"),
                    "{message}"
                );
                assert!(!message.contains("hunter2"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.request_count(), 3);
        // Who knows better may go round.
        let around = client.paginate(client.get("/")).detect_loops(false).max_pages(50).pages();
        assert_eq!(around.try_collect::<Vec<_>>().await.unwrap().len(), 50);
    });
}

/// A cursor that stays the same is found whichever way it travels.
#[test]
fn a_cursor_that_comes_again_is_found_in_body_and_header_too() {
    for token in [PageToken::at("/next").with_json("/t"), PageToken::at("/next").with_header("x-t")]
    {
        let mock = MockTransport::always(Reply::ok().body(r#"{"items":[1],"next":"same"}"#));
        let (items, error) = all(paginate(mock.clone()).by(token).items());
        assert!(
            matches!(&error, Some(Error::Page(error)) if error.kind() == PageErrorKind::Loop),
            "{error:?}"
        );
        assert_eq!((items.len(), mock.request_count()), (2, 2));
    }
}

#[test]
fn limits_end_the_stream_and_ask_for_nothing_beyond() {
    let client = |mock: &MockTransport| over(mock.clone()).build().unwrap();
    let endless = || {
        MockTransport::always(Reply::from_fn(|request: &RecordedRequest| {
            let number = request.url().query().map_or(0, |query| query.len());
            let page = http::Response::builder()
                .header("link", format!("<?{}>; rel=next", "x".repeat(number + 1)));
            Ok(page.body(Body::from("[1,2,3]")).unwrap())
        }))
    };
    for (pages, items, had, requests) in [
        (Some(0), None, 0, 0),
        (Some(2), None, 6, 2),
        (None, Some(0), 0, 0),
        (None, Some(3), 3, 1),
        (None, Some(4), 4, 2),
        (Some(2), Some(100), 6, 2),
    ] {
        let mock = endless();
        let client = client(&mock);
        let mut all = client.paginate(client.get("/"));
        all = pages.map_or_else(|| client.paginate(client.get("/")), |pages| all.max_pages(pages));
        let all = match items {
            Some(items) => all.max_items(items),
            None => all,
        };
        let mut stream = all.items::<u64>();
        let count = stream.by_ref().count().now_or_never().unwrap();
        assert_eq!((count, mock.request_count()), (had, requests), "{pages:?} {items:?}");
        // It can go on.
        let more = client.paginate(client.get("/")).resume(stream.cursor().unwrap()).max_items(2);
        assert_eq!(more.items::<u64>().count().now_or_never(), Some(2));
    }
}

#[test]
fn a_page_is_asked_for_when_it_is_polled_for_and_what_came_before_is_used_up() {
    let mock = MockTransport::always(Reply::ok().body("[1,2]").header("link", "<?b>; rel=next"));
    let client = over(mock.clone()).build().unwrap();
    let mut items = client.paginate(client.get("/")).detect_loops(false).items::<u64>();
    let mut counts = vec![mock.request_count()];
    for _ in 0..5 {
        items.next().now_or_never().unwrap();
        counts.push(mock.request_count());
    }
    assert_eq!(counts, [0, 1, 1, 2, 2, 3]);
}

#[test]
fn one_page_is_fetched_ahead_when_that_is_wanted() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok().body("[1]").header("link", "<?b>; rel=next"));
    let client = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
    let pages = || client.paginate(client.get("/")).detect_loops(false).prefetch(true).pages();
    let settle = || runtime.block_on(runtime.sleep(Duration::from_secs(1)));
    let mut ahead = pages();
    settle();
    assert_eq!((mock.request_count(), runtime.tasks()), (0, 0));
    for had in 1..4 {
        runtime.block_on(ahead.next()).unwrap().unwrap();
        settle();
        assert_eq!(mock.request_count(), had + 1);
    }
    drop(ahead);
    settle();
    assert_eq!((mock.request_count(), runtime.tasks()), (4, 0));

    // A runtime that drops its tasks is no end of the pages.
    let mut ahead = pages();
    runtime.block_on(ahead.next()).unwrap().unwrap();
    runtime.abort_tasks();
    let rest: Vec<_> = runtime.block_on(ahead.by_ref().collect());
    assert!(matches!(rest.last(), Some(Err(Error::Custom(_)))), "{rest:?}");
    assert_eq!(ahead.cursor().and_then(PageCursor::url), Some("https://api.test/v1/?b"));

    // Whether it is fetched ahead or not, what comes is the same.
    let all =
        |prefetch| paginate(numbers(7)).prefetch(prefetch).items::<u64>().try_collect::<Vec<_>>();
    let threads = futures_executor::block_on(all(true)).unwrap();
    assert_eq!(threads, all(false).now_or_never().unwrap().unwrap());
}

#[test]
fn who_is_interrupted_goes_on_where_it_was() {
    let failing = |at: u64| {
        let server = std::sync::Arc::new(numbers(7));
        move |request: Request| {
            let server = std::sync::Arc::clone(&server);
            async move {
                let fails = request.url().query() == Some(format!("cursor={at}").as_str());
                let mut response = server.send(request).await?;
                if fails {
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                }
                Ok(response)
            }
        }
    };
    let by = |all: Paginate| all.by(PageToken::at("/next"));
    let mut items = by(paginate(failing(4))).items::<u64>();
    let mut had = Vec::new();
    let error = loop {
        match items.next().now_or_never().unwrap() {
            Some(Ok(item)) => had.push(item),
            Some(Err(error)) => break error,
            None => panic!("it ends without an error"),
        }
    };
    assert_eq!(
        (error.status(), had.as_slice()),
        (Some(StatusCode::BAD_GATEWAY), &[0, 1, 2, 3][..])
    );
    let cursor = items.cursor().unwrap();
    assert_eq!(cursor, PageCursor::new().with_query("cursor", "4"));
    had.extend(all(by(paginate(numbers(7))).resume(cursor).items()).0);
    assert_eq!(had, [0, 1, 2, 3, 4, 5, 6]);

    // From every item of a whole walk, one comes to the same rest.
    let mut items = by(paginate(numbers(7))).items::<u64>();
    for had in 0..7 {
        let rest = all(by(paginate(numbers(7))).resume(items.cursor().unwrap()).items()).0;
        assert_eq!(rest, (had..7).collect::<Vec<_>>());
        items.next().now_or_never().unwrap();
    }
    assert_eq!(items.cursor(), None);
}

#[test]
fn an_item_of_another_shape_loses_nothing_before_it_and_is_what_could_not_be_had() {
    let page = r#"{"items":[0,1,"hunter2",3],"next":null}"#;
    let mut items = paginate(MockTransport::always(Reply::ok().body(page))).items::<u64>();
    for expected in 0..2 {
        assert_eq!(items.next().now_or_never().unwrap().unwrap().unwrap(), expected);
    }
    let Some(Err(error @ Error::Decode(_))) = items.next().now_or_never().unwrap() else {
        panic!()
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("item 2") && cause.contains("page 1") && !cause.contains("hunter2"),
        "{cause}"
    );
    assert!(items.next().now_or_never().unwrap().is_none());
    let cursor = items.cursor().unwrap();
    assert_eq!(cursor.skip(), 2);
    // Whoever can do without it passes it over.
    let rest =
        paginate(MockTransport::always(Reply::ok().body(page))).resume(cursor.with_skip(3)).items();
    assert_eq!(all(rest).0, [3]);
}

#[test]
fn what_does_not_tell_is_an_error_after_what_was_had() {
    let text = |link: &str| Reply::ok().body("{\"items\":[1],\"next\":{}}").header("link", link);
    for (reply, by_token) in [(text("</x; rel=next"), false), (text(""), true)] {
        let mock = MockTransport::always(reply);
        let first = paginate(mock.clone());
        let mut items =
            if by_token { first.by(PageToken::at("/next")) } else { first }.items::<u64>();
        assert_eq!(items.next().now_or_never().unwrap().unwrap().unwrap(), 1);
        let error = items.next().now_or_never().unwrap();
        assert!(
            matches!(&error, Some(Err(Error::Page(error))) if error.kind() == PageErrorKind::Malformed),
            "{error:?}"
        );
        // Going on asks that page once more, and gives none of its items twice.
        let cursor = items.cursor().unwrap();
        let again = paginate(MockTransport::always(Reply::ok().body("{\"items\":[1]}")));
        assert_eq!(all(again.resume(cursor).items()).0, [0; 0]);
    }
}

#[test]
fn pages_without_items_are_told_from_pages_that_are_no_such() {
    let lenient = |all: Paginate| all.absent_items_are_empty();
    for (status, body, strict, with_leave) in [
        (200, r#"{"items":[]}"#, true, true),
        (200, r#"{"items":null}"#, true, true),
        (204, "", true, true),
        (200, "{}", false, true),
        (200, r#"{"items":{}}"#, false, false),
        (200, "<html>", false, false),
        (200, "[1]", false, true),
    ] {
        let page = || paginate(MockTransport::always(Reply::status(status).body(body)));
        for (all_of, fine) in [(page(), strict), (lenient(page()), with_leave)] {
            let (items, error) = all(all_of.items());
            assert!(items.is_empty());
            assert_eq!(error.is_none(), fine, "{body}: {error:?}");
            assert!(error.is_none_or(|error| matches!(error, Error::Decode(_))));
        }
    }
}

#[test]
fn what_cannot_be_is_the_first_item_and_nothing_is_sent() {
    let mock = MockTransport::always(Reply::ok().body("[]"));
    let client = over(mock.clone()).build().unwrap();
    let once = || Body::stream(stream::iter([Ok::<_, Error>("x")]));
    for (paginate, text) in [
        (client.paginate(client.get("https://evil.test/")), "allow_origin"),
        (client.paginate(Request::get("https://evil.test/")), "allow_origin"),
        (client.paginate(client.post("/").body(once())), "`Body::replayable`"),
        (client.paginate(client.get("/")).items_at("data"), "\"/data\""),
    ] {
        let mut pages = paginate.pages();
        let Some(Err(error @ Error::Build(_))) = pages.next().now_or_never().unwrap() else {
            panic!("{text}")
        };
        assert!(error.to_string().contains(text), "{error}");
        assert!(pages.next().now_or_never().unwrap().is_none());
    }
    assert_eq!(mock.request_count(), 0);
    let (_, error) = all(paginate(mock).by(PageToken::at("next")).items_at("").items());
    assert!(matches!(&error, Some(Error::Build(_))), "{error:?}");
}

fn one_at_a_time(server: &FaultServer) -> HttpClientBuilder {
    let transport = ReqwestTransport::builder().max_connections(1).build().unwrap();
    HttpClient::builder(transport).base_url(server.url()).runtime(ManualRuntime::new())
}

/// A page is whole when it is handed over, so calls in between have its connection.
#[test]
fn one_connection_is_enough_for_pages_and_for_calls_between_them() {
    on_the_wire(async {
        let server = FaultServer::respond_with(|request: &Received| {
            let page: u32 =
                request.target().rsplit('=').next().and_then(|page| page.parse().ok()).unwrap_or(1);
            let body = json!([vec!["x".repeat(200_000)], vec!["y"]]);
            let reply = WireReply::ok(body.to_string());
            if page < 5 {
                reply.header("link", format!("</?page={}>; rel=next", page + 1))
            } else {
                reply
            }
        });
        let client = one_at_a_time(&server).build().unwrap();
        let mut items = client.paginate(client.get("/")).items::<Vec<String>>();
        let mut count = 0;
        while let Some(item) = items.next().await {
            item.unwrap();
            client.get("/other").send().await.unwrap().bytes().await.unwrap();
            count += 1;
        }
        assert_eq!((count, server.request_count()), (10, 15));

        let small = one_at_a_time(&server).max_response_bytes(1000).build().unwrap();
        let first = small.paginate(small.get("/")).pages().next().await;
        assert!(matches!(first, Some(Err(Error::Limit(_)))), "{first:?}");
    });
}
