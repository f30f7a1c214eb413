//! HTTP/2, beyond what every transport must do: what curl makes of refusals, and of answers that come early.

use futures_util::stream;
use midil_http_core::{Body, Protocol};
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{Http2Reply, Http2Server};

use super::support::{get, outcome, pieces, post, run};

fn http2() -> IsahcTransport {
    IsahcTransport::builder().protocol(Protocol::Http2PriorKnowledge).build().unwrap()
}

/// curl knows that it was not processed, and sends it five times more. What is not idempotent is sent once: its body cannot be
/// read again.
#[test]
fn a_refused_stream_is_resent_by_curl_when_it_is_idempotent() {
    run(async {
        let transport = http2();
        let refusing = || Http2Server::start(Http2Reply::refused().before_body());
        let server = refusing();
        assert!(outcome(&transport, get(&server.url())).await.starts_with("head: "));
        assert_eq!(server.request_count(), 6);
        for body in [|| Body::empty(), || Body::from("upload"), pieces] {
            let server = refusing();
            let outcome = outcome(&transport, post(&server.url(), body())).await;
            assert_eq!((outcome.as_str(), server.request_count()), ("head: Closed, Maybe", 1));
        }
    });
}

/// curl goes on to send on the stream that has ended, and fails at it, unless it has read the answer before. The server says
/// that it wants no more, as RFC 9113, section 8.1, has it: where it does not, curl waits to be let send.
#[test]
fn an_answer_that_ends_before_the_upload_does_may_be_lost() {
    run(async {
        let server = Http2Server::start(Http2Reply::ok("no more").reset_upload());
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1024]));
        let outcome = outcome(&http2(), post(&server.url(), Body::stream(endless))).await;
        let lost = ["head: Reset, Maybe", "body: Reset, Maybe"].contains(&&*outcome);
        assert!(lost || outcome == "200 no more", "{outcome}");
        assert_eq!(server.request_count(), 1);
    });
}

/// What is not idempotent goes over HTTP/1.1 where the server may choose: curl resends what an HTTP/2 server refuses.
#[cfg(feature = "rustls")]
#[test]
fn http2_is_chosen_by_the_server_for_what_is_idempotent_alone() {
    use midil_http_test::fault_server::Tls;

    run(async {
        let tls = Tls::good();
        let server = Http2Server::start_tls(Http2Reply::ok("hello"), &tls);
        let trusting = || IsahcTransport::builder().root_certificate(tls.root_certificate_pem());
        let negotiating = trusting().build().unwrap();
        assert_eq!(outcome(&negotiating, get(&server.url())).await, "200 hello");
        let upload = || post(&server.url(), "upload");
        let spoken = outcome(&negotiating, upload()).await;
        assert!(spoken.starts_with("head: "), "the server speaks no HTTP/1.1: {spoken}");

        let known = trusting().protocol(Protocol::Http2PriorKnowledge).build().unwrap();
        for request in [get(&server.url()), upload()] {
            assert_eq!(outcome(&known, request).await, "200 hello");
        }
    });
}
