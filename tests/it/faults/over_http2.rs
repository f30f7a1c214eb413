//! What HTTP/2 has of its own: streams that are refused or reset, and connections that the server takes leave of.

use std::sync::Arc;

use midil_http::{Error, HttpClient, Protocol, Transport, TransportErrorKind, TransportSettings};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{Http2Reply, Http2Server};

use super::backends::{BACKENDS, Backend};
use super::calls::{CALLS, Call};
use super::outcome::{self, Came, Seen};
use crate::support::whole::{by_default, on_the_wire};

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;

/// What a call comes to whose first attempt meets the fault, and what the server saw of it.
async fn after(fault: Http2Reply, backend: &Backend, call: &Call) -> (Seen, usize, usize) {
    let server = Http2Server::start([fault, Http2Reply::ok("hello")]);
    let http = client(backend, server.url()).expect("good settings");
    let seen = outcome::of((call.make)(&http).send()).await;
    (seen, server.request_count(), server.connections())
}

fn client(backend: &Backend, url: String) -> Result<HttpClient, Error> {
    let mut settings = TransportSettings::default();
    settings.protocol = Protocol::Http2PriorKnowledge;
    let transport: Arc<dyn Transport> = (backend.with)(&settings)?;
    let http = HttpClient::builder(transport).base_url(url).retry(by_default()).seed(7);
    http.runtime(ManualRuntime::new()).build()
}

fn each(test: &impl AsyncFn(&Backend, &Call, &str)) {
    for backend in BACKENDS {
        for call in CALLS {
            on_the_wire(test(backend, call, &format!("{}, {}", backend.name, call.name)));
        }
    }
}

const WELL: Seen = Seen::AsItCame(Came::Status(200));

/// The server says that it did not process the request: any may be sent again, and is, where the backend passes that on. A
/// stream may have been read by then.
#[test]
fn what_was_refused_is_sent_again() {
    each(&async |backend, call, row| {
        for (fault, connections) in
            [(Http2Reply::refused(), 1), (Http2Reply::unprocessed(NO_ERROR), 2)]
        {
            let (seen, requests, made) = after(fault, backend, call).await;
            let is_passed_on = backend.tells_refusals || call.idempotent && !call.is_stream;
            if is_passed_on && !(call.is_stream && seen != WELL) {
                assert_eq!((&seen, requests), (&WELL, 2), "{row}");
                assert!(made >= connections, "{row}: {made} connections");
            } else {
                let failed = matches!(&seen, Seen::AsItCame(Came::Failed(kind))
                    if !backend.tells_refusals || *kind == TransportErrorKind::Refused);
                assert!(failed && requests == 1, "{row}: {seen:?}, {requests}");
            }
        }
    });
}

/// Nobody knows what the server made of it: what is not idempotent goes once.
#[test]
fn what_was_reset_is_sent_again_when_it_is_idempotent() {
    each(&async |backend, call, row| {
        let fault = Http2Reply::reset_before_head(INTERNAL_ERROR);
        let (seen, requests, _) = after(fault, backend, call).await;
        if call.idempotent && !call.is_stream {
            assert_eq!((seen, requests), (WELL, 2), "{row}");
        } else {
            assert!(matches!(seen, Seen::AsItCame(Came::Failed(_))), "{row}: {seen:?}");
            assert_eq!(requests, 1, "{row}");
        }
    });
}

/// The stream that the GOAWAY spares ends well, and the next call goes over another connection.
#[test]
fn a_goaway_behind_the_stream_costs_nothing() {
    each(&async |backend, call, row| {
        let leaving = Http2Reply::ok("hello").go_away(NO_ERROR);
        let server = Http2Server::start([leaving, Http2Reply::ok("hello")]);
        let http = client(backend, server.url()).expect("good settings");
        for _ in 0..2 {
            assert_eq!(outcome::of((call.make)(&http).send()).await, WELL, "{row}");
        }
        assert_eq!((server.request_count(), server.connections()), (2, 2), "{row}");
    });
}
