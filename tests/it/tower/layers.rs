//! tower's and tower-http's layers around a client, and below one.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use midil_http::{Body, BoxError, Error, Sent, TowerTransport, TransportService};
use midil_http_test::fault_server::{self, FaultServer, Gate};
use midil_http_test::{MockTransport, Reply};
use tower::buffer::Buffer;
use tower::retry::{Policy, RetryLayer};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_http::set_header::SetRequestHeaderLayer;
use tower_http::trace::TraceLayer;

use super::{echoing, get, text};
use crate::support::over;
use crate::support::whole::{by_default, of, on_the_wire, until};

#[test]
fn a_stack_of_layers_around_a_client() {
    on_the_wire(async {
        let server = FaultServer::always(fault_server::Reply::ok("hello"));
        let client = of(&server).build().unwrap();
        let service = ServiceBuilder::new()
            .boxed_clone()
            .buffer(8)
            .load_shed()
            .concurrency_limit(8)
            .timeout(Duration::from_secs(30))
            .layer(TraceLayer::new_for_http())
            .layer(SetRequestHeaderLayer::overriding(
                HeaderName::from_static("x-layer"),
                HeaderValue::from_static("tower"),
            ))
            .service(client);
        let request = Request::put("/users").body("ada".to_owned()).unwrap();
        let response: Response<tower_http::trace::ResponseBody<Body, _>> =
            service.oneshot(request).await.unwrap();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        assert_eq!(body.to_bytes(), "hello");
        let requests = server.requests();
        let seen = &requests[0];
        assert_eq!(
            (seen.target(), seen.header("x-layer"), seen.body()),
            ("/users", Some("tower"), &b"ada"[..])
        );
    });
}

/// Tries a 503 once more, with what can be copied of the request.
#[derive(Clone)]
struct Once(bool);

impl<B> Policy<Request<Body>, Response<B>, Error> for Once {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<B>, Error>,
    ) -> Option<Ready<()>> {
        let failed = result.as_ref().is_ok_and(|response| response.status() == 503);
        (failed && std::mem::replace(&mut self.0, false)).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut copy = Request::new(request.body().try_clone()?);
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        Some(copy)
    }
}

#[test]
fn towers_retry_around_a_client() {
    let mock = MockTransport::sequence([Reply::status(503), Reply::ok()]);
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(Once(true)))
        .service(over(mock.clone()).build().unwrap());
    let request = Request::put("/a").body(Body::from("hello")).unwrap();
    let response = service.oneshot(request).now_or_never().unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(mock.requests().iter().all(|request| request.text() == "hello"));
}

#[test]
fn an_error_of_ours_is_found_in_the_box_of_a_layer() {
    let down = || Error::circuit_open(Duration::from_secs(1));
    let client = over(MockTransport::always(Reply::error(down))).build().unwrap();
    on_the_wire(async move {
        let service = ServiceBuilder::new().timeout(Duration::from_secs(30)).service(client);
        let error: BoxError =
            service.clone().oneshot(Request::new(Body::empty())).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::CircuitOpen { .. })), "{error:?}");
        // And is ours again, as a transport's.
        let outer = over(TowerTransport::new(service.map_request(to_root))).build().unwrap();
        let error = outer.get("/").send().await.unwrap_err();
        assert!(matches!(error, Error::CircuitOpen { .. }), "{error:?}");
    });
}

fn to_root(_: Request<Body>) -> Request<Body> {
    Request::new(Body::empty())
}

/// What tower's timeout says is foreign: nobody knows whether the request was sent, so it is retried where it may be.
#[test]
fn an_error_of_a_layer_below_a_client_is_retried_where_the_request_is_idempotent() {
    on_the_wire(async {
        for (method, attempts) in [(http::Method::GET, 3), (http::Method::POST, 1)] {
            let mock = MockTransport::always(Reply::pending());
            let service = ServiceBuilder::new()
                .timeout(Duration::from_millis(1))
                .service(TransportService::new(mock.clone()));
            let client = over(TowerTransport::new(service)).retry(by_default()).build().unwrap();
            let error = client.request(method, "/").send().await.unwrap_err();
            let last = match &error {
                Error::RetryExhausted(exhausted) => exhausted.last_error().unwrap(),
                error => error,
            };
            assert_eq!(last.sent(), Sent::Maybe, "{error:?}");
            assert_eq!(mock.request_count(), attempts);
        }
    });
}

#[test]
fn a_limit_below_a_client_is_kept_and_waits_are_its_services() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(fault_server::Reply::ok("hello").hold(&gate));
        let transport = midil_http::ReqwestTransport::try_new().unwrap();
        let service =
            ServiceBuilder::new().concurrency_limit(1).service(TransportService::new(transport));
        let client = over(TowerTransport::new(service)).base_url(server.url()).build().unwrap();
        let calls = (0..3).map(|_| client.get("/").send());
        let calls = tokio::spawn(futures_util::future::join_all(calls));
        until(|| server.request_count() == 1).await;
        gate.open();
        for response in calls.await.unwrap() {
            assert_eq!(response.unwrap().status(), 200);
        }
        server
            .wait_until(|observed| observed.request_count() == 3 && observed.open_requests() == 0);
        server.wait_until(|observed| observed.peak_requests() == 1);
    });
}

/// Not cloneable, and full after each call.
struct Single {
    calls: Arc<AtomicUsize>,
}

impl Service<Request<Body>> for Single {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Ready<Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new(request.into_body())))
    }
}

#[test]
fn a_service_that_cannot_be_cloned_goes_behind_a_buffer() {
    on_the_wire(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let service = Buffer::<Request<Body>, _>::new(Single { calls: Arc::clone(&calls) }, 4);
        let client = over(TowerTransport::new(service)).build().unwrap();
        let answers = (0..10).map(|number| client.put("/").body(number.to_string()).send());
        let answers = futures_util::future::join_all(answers).await;
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.unwrap().text().await.unwrap(), number.to_string());
        }
        assert_eq!(calls.load(Ordering::Relaxed), 10);
    });
}

#[test]
fn a_client_by_reference_and_its_clones_are_one_service() {
    let (client, mock) = echoing();
    get(&client, "/a").now_or_never().unwrap().unwrap();
    let response = get(client.clone(), "/b").now_or_never().unwrap().unwrap();
    assert_eq!(text(response).now_or_never().unwrap().unwrap(), "");
    assert_eq!(mock.request_count(), 2);
}
