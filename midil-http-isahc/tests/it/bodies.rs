//! Bodies pass piece by piece, whole, and without filling memory.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Method;
use midil_http_core::{Body, Error, Transport};
use midil_http_test::fault_server::{FaultServer, Gate, Received, Reply, Script};

use super::support::{child, get, is_child, outcome, post, request, run, transport};

#[test]
fn bodies_arrive_as_they_were() {
    run(async {
        let content: Vec<u8> =
            (0..3 << 20).map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let server = FaultServer::always(Reply::ok(content.clone()));
        let transport = transport();
        for method in [Method::POST, Method::PUT] {
            let pieces: Vec<_> = content.chunks(10_000).map(<[u8]>::to_vec).collect();
            let length = u64::try_from(content.len()).unwrap();
            let pieces = stream::iter(pieces).map(Ok::<_, io::Error>);
            for body in [Body::from(content.clone()), Body::stream_with_length(pieces, length)] {
                let request = request(method.clone(), &server.url(), body);
                let response = transport.send(request).await.unwrap();
                assert_eq!(response.into_body().collect(u64::MAX).await.unwrap(), content);
            }
        }
        for request in server.requests() {
            assert_eq!(request.header("content-length"), Some("3145728"));
            assert_eq!(request.body_checksum(), Received::checksum([&content]));
        }
    });
}

#[test]
fn the_length_of_a_response_is_known() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let mut body = transport().send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.length(), Some(5));
        assert_eq!(body.chunk().await.unwrap().unwrap(), "hello");
        assert_eq!(body.length(), Some(0));
        assert!(body.chunk().await.unwrap().is_none());
        assert!(body.chunk().await.unwrap().is_none(), "the end is the end");
    });
}

#[test]
fn a_response_streams() {
    run(async {
        let gate = Gate::new();
        let server =
            FaultServer::always(Reply::ok("").chunked(["one", "two"]).hold_body_after(3, &gate));
        let mut body = transport().send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "one");
        gate.open(); // the second is sent from here on
        assert_eq!(body.chunk().await.unwrap().unwrap(), "two");
        assert!(body.chunk().await.unwrap().is_none());
    });
}

#[test]
fn an_answer_may_come_before_the_upload_has_ended() {
    run(async {
        let server = FaultServer::start(Script::respond_to_head(|_| {
            Reply::status(413).body("too large").before_body().close()
        }));
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 1024]));
        assert_eq!(
            outcome(&transport(), post(&server.url(), Body::stream(endless))).await,
            "413 too large"
        );
    });
}

#[test]
fn a_failing_upload_is_the_callers_error() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = transport();
        let failing =
            || stream::iter([Ok("first"), Err(io::Error::other("the sensor was unplugged"))]);
        for body in [Body::stream(failing()), Body::stream_with_length(failing(), 10)] {
            let error = transport.send(post(&server.url(), body)).await.unwrap_err();
            let Error::Body(body) = &error else { panic!("{error:?}") };
            assert!(
                std::error::Error::source(body)
                    .is_some_and(|source| source.to_string().contains("unplugged"))
            );
        }
        let short = Body::stream_with_length(stream::iter([Ok::<_, io::Error>("first")]), 10);
        let error = transport.send(post(&server.url(), short)).await.unwrap_err();
        assert!(matches!(error, Error::Body(_)), "{error:?}");
        server.wait_for_connections_closed();
    });
}

/// It would take isahc's thread along, and every other exchange.
#[test]
fn an_upload_that_panics_is_the_callers_error_and_harms_nobody_else() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = transport();
        let panicking = stream::iter([1, 2]).map(|at| {
            if at == 1 { Ok::<_, io::Error>("first") } else { panic!("a bug of the caller's") }
        });
        let error = transport.send(post(&server.url(), Body::stream(panicking))).await.unwrap_err();
        assert!(matches!(error, Error::Body(_)), "{error:?}");
        assert_eq!(outcome(&transport, post(&server.url(), "fine")).await, "200 hello");
    });
}

const MIB: u64 = 1 << 20;

/// What this process had of memory at most.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn serve(mut socket: TcpStream) -> io::Result<()> {
    let (mut buffer, mut head) = (vec![b'x'; 1 << 20], Vec::new());
    let body = loop {
        let count = socket.read(&mut buffer)?;
        head.extend_from_slice(&buffer[..count]);
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break u64::try_from(head.len() - at - 4).unwrap();
        }
    };
    let (upload, download) =
        if head.starts_with(b"POST") { (1024 * MIB, 0) } else { (0, 1024 * MIB) };
    let mut left = upload.saturating_sub(body);
    while left > 0 {
        left -= u64::try_from(socket.read(&mut buffer)?).unwrap();
    }
    write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {download}\r\n\r\n")?;
    (0..download / MIB).try_for_each(|_| socket.write_all(&buffer))
}

/// Takes 1 GiB in for a POST, and gives as much for anything else.
fn large_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        // One that goes early is followed by the next.
        listener.incoming().flatten().for_each(|socket| drop(serve(socket)));
    });
    url
}

#[cfg(target_os = "linux")]
#[test]
fn a_gibibyte_each_way_takes_little_memory() {
    if !is_child() {
        return child("bodies::a_gibibyte_each_way_takes_little_memory", &[]);
    }
    run(async {
        let (transport, url) = (transport(), large_server());
        // What is needed once for all.
        drop(transport.send(get(&url)).await.unwrap());
        let before = peak();
        let piece = Bytes::from(vec![b'x'; 1 << 20]);
        let pieces = stream::repeat(piece).take(1024).map(Ok::<_, io::Error>);
        let upload = Body::stream_with_length(pieces, 1024 * MIB);
        assert_eq!(outcome(&transport, post(&url, upload)).await, "200");
        let mut body = transport.send(get(&url)).await.unwrap().into_body();
        let mut received = 0;
        while let Some(chunk) = body.chunk().await.unwrap() {
            received += u64::try_from(chunk.len()).unwrap();
        }
        assert_eq!(received, 1024 * MIB);
        let grown = peak() - before;
        assert!(grown < 16 * MIB, "{} KiB", grown / 1024);
    });
}
