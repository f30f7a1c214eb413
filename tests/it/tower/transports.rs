//! Services as transports: readiness, errors, what passes; and transports as services.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use std::{io, rc::Rc};

use futures_util::FutureExt;
use http::{Request, Response};
use midil_http::{
    Body, BoxError, Error, Sent, TowerTransport, Transport, TransportError, TransportErrorKind,
    TransportService,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use tower::{Service, ServiceExt, service_fn};

use super::get;
use crate::support::over;
use crate::support::whole::by_default;

/// Is ready when it is told so, refuses to be called before, and forgets it with each clone.
#[derive(Default)]
struct Strict {
    open: Arc<Mutex<(bool, Option<Waker>)>>,
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open), ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<Body>> for Strict {
    type Response = Response<String>;
    type Error = BoxError;
    type Future = Ready<Result<Response<String>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut open = self.open.lock().unwrap();
        if !open.0 {
            open.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(self.ready, "it is called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new("hello".to_owned())))
    }
}

#[test]
fn a_service_is_called_when_it_is_ready() {
    let service = Strict::default();
    let (open, calls) = (Arc::clone(&service.open), Arc::clone(&service.calls));
    let runtime = ManualRuntime::new();
    let client = over(TowerTransport::new(service)).runtime(runtime.clone()).build().unwrap();
    let mut call = std::pin::pin!(client.get("/").send());
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let waker = {
        let mut open = open.lock().unwrap();
        open.0 = true;
        open.1.take()
    };
    waker.expect("it waits for the service").wake();
    let response = call.now_or_never().unwrap().unwrap();
    assert_eq!(response.text().now_or_never().unwrap().unwrap(), "hello");
    client.get("/").send().now_or_never().unwrap().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// `Send`, but not `Sync`.
#[test]
fn a_service_need_not_be_shareable() {
    let cell = std::cell::Cell::new(7);
    let service = service_fn(move |_: Request<Body>| {
        let number = cell.get();
        async move { Ok::<_, io::Error>(Response::new(number.to_string())) }
    });
    fn transport(transport: impl Transport + Clone) -> Arc<dyn Transport> {
        Arc::new(transport)
    }
    let client = over(transport(TowerTransport::new(service))).build().unwrap();
    let response = client.get("/").send().now_or_never().unwrap().unwrap();
    assert_eq!(response.text().now_or_never().unwrap().unwrap(), "7");
    drop(Rc::new(client));
}

/// Fails to become ready, once.
#[derive(Clone)]
struct Unready(Arc<AtomicUsize>);

impl Service<Request<Body>> for Unready {
    type Response = Response<String>;
    type Error = io::Error;
    type Future = Ready<Result<Response<String>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Poll::Ready(Err(io::Error::other("the worker is gone"))),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::new("hello".to_owned())))
    }
}

#[test]
fn what_failed_before_it_was_ready_was_not_sent_and_any_method_is_retried() {
    let service = || TowerTransport::new(Unready(Arc::default()));
    let request = midil_http::Request::get("http://localhost/").unwrap();
    let error = service().send(request).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.sent(), Sent::No, "{error:?}");
    let client = over(service()).retry(by_default()).runtime(ManualRuntime::new()).build().unwrap();
    let response = client.post("/").body("hello").send().now_or_never().unwrap().unwrap();
    assert_eq!(response.attempts(), 2);
}

#[test]
fn a_foreign_error_may_have_been_sent_and_says_of_the_system_what_it_can() {
    use io::ErrorKind;
    for (kind, expected) in [
        (ErrorKind::ConnectionReset, TransportErrorKind::Reset),
        (ErrorKind::BrokenPipe, TransportErrorKind::Reset),
        (ErrorKind::UnexpectedEof, TransportErrorKind::Closed),
        (ErrorKind::ConnectionRefused, TransportErrorKind::Connect),
        (ErrorKind::Other, TransportErrorKind::Other),
    ] {
        let service = service_fn(move |_: Request<Body>| async move {
            Err::<Response<String>, _>(TransportLike(io::Error::from(kind)))
        });
        let client = over(TowerTransport::new(service)).build().unwrap();
        let error = client.get("/").send().now_or_never().unwrap().unwrap_err();
        let Error::Transport(transport) = &error else { panic!("{error:?}") };
        assert_eq!((transport.kind(), transport.sent()), (expected, Sent::Maybe));
        let cause = std::error::Error::source(transport).unwrap();
        assert_eq!(cause.to_string(), "the stack failed");
    }
}

/// Some stack's error, with the system's behind it.
#[derive(Debug)]
struct TransportLike(io::Error);

impl std::fmt::Display for TransportLike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the stack failed")
    }
}

impl std::error::Error for TransportLike {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_of_ours_passes_as_it_is() {
    let refused = || TransportError::new(TransportErrorKind::Refused, Sent::No, "it was refused");
    let service = service_fn(move |_: Request<Body>| async move {
        let error: BoxError = Error::from(refused()).into();
        Err::<Response<String>, _>(error)
    });
    let client = over(TowerTransport::new(service)).build().unwrap();
    let error = client.get("/").send().now_or_never().unwrap().unwrap_err();
    assert_eq!(error.to_string(), Error::from(refused()).to_string());
    assert_eq!(error.sent(), Sent::No);
}

#[test]
fn a_response_that_breaks_off_is_an_error_of_the_transport() {
    let service = service_fn(|_: Request<Body>| async {
        let pieces = [Ok("hel"), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
        let frames =
            pieces.map(|piece| piece.map(|data| http_body::Frame::data(bytes::Bytes::from(data))));
        let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
        Ok::<_, io::Error>(Response::new(body))
    });
    let client = over(TowerTransport::new(service)).build().unwrap();
    let response = client.get("/").send().now_or_never().unwrap().unwrap();
    let error = response.text().now_or_never().unwrap().unwrap_err();
    let Error::Transport(transport) = &error else { panic!("{error:?}") };
    assert_eq!((transport.kind(), transport.sent()), (TransportErrorKind::Reset, Sent::Maybe));
}

#[test]
fn a_deadline_finds_its_way_through_a_stack() {
    let mock = MockTransport::always(Reply::ok());
    let runtime = ManualRuntime::new();
    let stack = TowerTransport::new(TransportService::new(mock.clone()));
    let client = over(stack).runtime(runtime.clone()).total_timeout(Duration::from_secs(5));
    let now: Instant = midil_http::Runtime::now(&runtime);
    client.build().unwrap().get("/").send().now_or_never().unwrap().unwrap();
    let head = mock.requests()[0].head().clone();
    assert_eq!(head.deadline, Some(now + Duration::from_secs(5)));
    assert!(head.extensions.is_empty(), "nothing of the passage is left");
}

#[test]
fn a_transport_as_a_service_needs_the_whole_url() {
    for uri in ["/users", "api.test", "*", "ftp://api.test/", "https://ada:hunter2@api.test/"] {
        let mock = MockTransport::new();
        let error =
            get(TransportService::new(mock.clone()), uri).now_or_never().unwrap().unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{uri}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(mock.request_count(), 0);
    }
    let mock = MockTransport::always(Reply::status(204));
    let dynamic: Arc<dyn Transport> = Arc::new(mock.clone());
    let response =
        get(TransportService::from(dynamic), "https://api.test/users?x=1").now_or_never();
    assert_eq!(response.unwrap().unwrap().status(), 204);
    assert_eq!(mock.requests()[0].url().as_str(), "https://api.test/users?x=1");
}

#[test]
fn a_service_that_is_a_router_answers_in_a_test() {
    let router = service_fn(|request: Request<Body>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(request.uri().path().to_owned()))
    });
    let client = over(TowerTransport::new(router.boxed_clone())).build().unwrap();
    let response = client.get("/users").send().now_or_never().unwrap().unwrap();
    assert_eq!(response.text().now_or_never().unwrap().unwrap(), "/v1/users");
}

/// Waits for a place that others have, which tower's limit hands to whoever waits; who does not wait any more must not get it.
#[test]
fn who_is_dropped_while_a_service_is_not_ready_holds_no_place() {
    let runtime = ManualRuntime::new();
    let mock =
        MockTransport::sequence([Reply::ok().delayed(Duration::from_secs(9), runtime.clone())]);
    mock.reply_always(Reply::ok());
    let service = tower::ServiceBuilder::new()
        .concurrency_limit(1)
        .service(TransportService::new(mock.clone()));
    let client = over(TowerTransport::new(service)).runtime(runtime.clone()).build().unwrap();
    let mut first = Box::pin(client.get("/1").send());
    assert!((&mut first).now_or_never().is_none());
    let mut dropped = Box::pin(client.get("/2").send());
    assert!((&mut dropped).now_or_never().is_none());
    let mut third = Box::pin(client.get("/3").send());
    assert!((&mut third).now_or_never().is_none());
    drop(dropped);
    runtime.block_on(first).unwrap();
    // Nothing has to be waited for: the place is the third's, without anybody's timeout.
    third.now_or_never().expect("it has its place").unwrap();
    let paths: Vec<_> =
        mock.requests().iter().map(|request| request.url().path().to_owned()).collect();
    assert_eq!(paths, ["/v1/1", "/v1/3"]);
}

/// Never ready: the timeouts of the client hold here too, and what waited is over.
#[test]
fn a_service_that_is_never_ready_comes_to_a_timeout() {
    let service = Strict::default();
    let calls = Arc::clone(&service.calls);
    let runtime = ManualRuntime::new();
    let client = over(TowerTransport::new(service)).runtime(runtime.clone()).build().unwrap();
    let error = runtime.block_on(client.post("/").send()).unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!((runtime.elapsed(), calls.load(Ordering::Relaxed)), (Duration::from_secs(30), 0));
    assert_eq!(runtime.timers(), 0);
}

/// Fails after each answer, as a worker that is used up; each exchange has a clone of what was never used.
#[test]
fn readiness_that_is_lost_after_an_error_is_no_other_exchanges() {
    #[derive(Clone, Default)]
    struct Once {
        used: bool,
    }
    impl Service<Request<Body>> for Once {
        type Response = Response<String>;
        type Error = io::Error;
        type Future = Ready<Result<Response<String>, io::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
            assert!(!self.used, "it was used by another");
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            self.used = true;
            ready(match request.uri().path() {
                "/v1/bad" => Err(io::ErrorKind::ConnectionReset.into()),
                path => Ok(Response::new(path.to_owned())),
            })
        }
    }
    let transport = TowerTransport::new(Once::default());
    let client = over(transport.clone()).build().unwrap();
    for _ in 0..2 {
        client.get("/bad").send().now_or_never().unwrap().unwrap_err();
        client.get("/good").send().now_or_never().unwrap().unwrap();
    }
    let clone = over(transport).build().unwrap();
    clone.get("/good").send().now_or_never().unwrap().unwrap();
}
