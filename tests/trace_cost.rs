//! What spans, their settings and the log cost where nobody listens: nothing.
//!
//! A binary of its own: it counts allocations, and no other test of it may listen.

use http::header;
use midil_http::{
    Body, HttpClient, HttpClientBuilder, Logging, Next, Request, TraceSettings, middleware_fn,
};

fn begin() -> HttpClientBuilder {
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    HttpClient::builder(transport).base_url("https://api.example.com/v1")
}

/// The allocations of a call, once the client is warm.
fn allocations(client: HttpClientBuilder) -> u64 {
    let client = client.build().expect("a good client");
    let call = || {
        let call = client.get("/users?page=2").send();
        futures_executor::block_on(call).expect("a response");
    };
    call();
    allocation_counter::measure(call).count_total
}

#[test]
fn nobody_who_does_not_listen_pays() {
    let plain = allocations(begin());
    // As it was before there were settings: the URL, the request, its template, their headers, the transport's future.
    assert!(plain <= 9, "{plain}");

    let settings = TraceSettings::new()
        .query_parameters(["page"])
        .request_headers([header::ACCEPT])
        .response_headers([header::RETRY_AFTER])
        .opt_in_attributes();
    assert_eq!(allocations(begin().trace(settings.clone())), plain);
    assert_eq!(allocations(begin().trace(settings.exchange_spans())), plain);

    let nothing = || middleware_fn(|request, next: Next<'_>| Box::pin(next.run(request)));
    let logging = || Logging::new().all_headers().request_bodies(1024).response_bodies(1024);
    assert_eq!(
        allocations(begin().attempt_middleware(logging())),
        allocations(begin().attempt_middleware(nothing())),
        "the log costs what any middleware does"
    );
}
