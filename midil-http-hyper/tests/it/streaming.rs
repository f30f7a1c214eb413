//! Bodies pass piece by piece, and whole.

use std::io;

use futures_util::stream;
use midil_http_core::{Body, Transport};
use midil_http_test::fault_server::{FaultServer, Reply, Script};

use super::support::{post, run_on_one_thread, text, transport};

/// A server that is content wants to have it all: the response has not ended before the upload.
#[test]
fn an_upload_goes_on_after_an_early_success() {
    run_on_one_thread(async {
        let script = Script::respond_to_head(|_| Reply::ok("early").before_body());
        let server = FaultServer::start(script);
        let transport = transport();
        for count in 1..3 {
            let pieces = stream::iter((0..64).map(|_| Ok::<_, io::Error>(vec![b'x'; 64 * 1024])));
            let response = transport.send(post(&server.url(), Body::stream(pieces))).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(text(response).await.unwrap(), "early");
            // What is sent is with the system; the server may have yet to read it.
            server.wait_until(|seen| {
                seen.requests().filter(|seen| seen.body_complete()).count() == count
            });
        }
        assert_eq!(server.body_bytes_received(), 2 * 64 * 64 * 1024);
        assert_eq!(server.connections(), 1);
    });
}
