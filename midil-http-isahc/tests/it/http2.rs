//! HTTP/2 without TLS, by prior knowledge; in TLS, see there.

use futures_util::stream;
use http::Version;
use midil_http_core::{Body, Protocol, Transport};
use midil_http_isahc::IsahcTransport;

use super::http2_server::Frame::{Close, Data, GoAway, Head, ResetStream, Trailers};
use super::http2_server::Http2Server;
use super::support::{get, outcome, pieces, post, run};

const NO_ERROR: u32 = 0;
const CANCEL: u32 = 8;
const REFUSED_STREAM: u32 = 7;

fn http2() -> IsahcTransport {
    IsahcTransport::builder().protocol(Protocol::Http2PriorKnowledge).build().unwrap()
}

#[test]
fn http2_is_spoken_by_prior_knowledge() {
    run(async {
        let server = Http2Server::start([vec![Head, Data("hello"), Trailers]]);
        let transport = http2();
        for request in [
            get(&server.url()),
            post(&server.url(), "upload"),
            post(&server.url(), pieces()),
            post(&server.url(), ()),
        ] {
            let response = transport.send(request).await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            assert_eq!(response.into_body().collect(10).await.unwrap(), "hello");
        }
        assert_eq!(server.requests(), 4);
    });
}

/// curl knows that it was not processed, and sends it five times more. What is not idempotent is sent once: its body cannot be
/// read again.
#[test]
fn a_refused_stream_is_resent_by_curl_when_it_is_idempotent() {
    run(async {
        let transport = http2();
        let refusing = || Http2Server::hasty([vec![ResetStream(REFUSED_STREAM)]]);
        let server = refusing();
        assert!(outcome(&transport, get(&server.url())).await.starts_with("head: "));
        assert_eq!(server.requests(), 6);
        for body in [|| Body::empty(), || Body::from("upload"), pieces] {
            let server = refusing();
            let outcome = outcome(&transport, post(&server.url(), body())).await;
            assert_eq!((outcome.as_str(), server.requests()), ("head: Closed, Maybe", 1));
        }
    });
}

#[test]
fn a_response_that_is_cut_is_an_error() {
    run(async {
        let transport = http2();
        for end in [ResetStream(CANCEL), GoAway { last: 0, reason: 0 }, Close] {
            let server = Http2Server::start([vec![Head, Data("he"), end, Close]]);
            let outcome = outcome(&transport, get(&server.url())).await;
            // Of what comes all at once, curl may see the end first.
            let kinds = ["head: Reset, Maybe", "body: Reset, Maybe", "body: Closed, Maybe"];
            assert!(kinds.contains(&&*outcome), "{end:?}: {outcome}");
        }
    });
}

/// curl goes on to send on the stream that has ended, and fails at it, unless it has read the answer before. The server says
/// that it wants no more, as RFC 9113, section 8.1, has it: where it does not, curl waits to be let send.
#[test]
fn an_answer_that_ends_before_the_upload_does_may_be_lost() {
    run(async {
        let server =
            Http2Server::hasty([vec![Head, Data("no more"), Trailers, ResetStream(NO_ERROR)]]);
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1024]));
        let outcome = outcome(&http2(), post(&server.url(), Body::stream(endless))).await;
        let lost = ["head: Reset, Maybe", "body: Reset, Maybe"].contains(&&*outcome);
        assert!(lost || outcome == "200 no more", "{outcome}");
        assert_eq!(server.requests(), 1);
    });
}
