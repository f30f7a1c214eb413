//! Clients that do not heed what they are told.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::fault_server::{Gate, Http2Reply, Http2Server};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A GET of `/` on this stream: entries of HPACK's static table.
fn get(stream: u8) -> [u8; 12] {
    const ENDS: u8 = 1 | 4;
    [0, 0, 3, 1, ENDS, 0, 0, 0, stream, 0x82, 0x86, 0x84]
}

fn connect(server: &Http2Server) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&SETTINGS).unwrap();
    socket
}

/// Kind, stream and payload.
type Frame = (u8, u8, Vec<u8>);

/// The next frame; `None` at the end.
fn frame(socket: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    if let Err(error) = socket.read_exact(&mut head) {
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        return None;
    }
    let [a, b, c, kind, _, _, _, _, stream] = head;
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap();
    let mut payload = vec![0; length];
    socket.read_exact(&mut payload).unwrap();
    Some((kind, stream, payload))
}

fn frames(socket: &mut TcpStream) -> Vec<Frame> {
    std::iter::from_fn(|| frame(socket)).collect()
}

#[test]
fn a_connection_that_is_told_to_go_away_is_closed_when_its_streams_are_over() {
    for (reply, last) in [(Http2Reply::ok("hi").go_away(11), 1), (Http2Reply::unprocessed(11), 0)] {
        let server = Http2Server::start(reply);
        let mut socket = connect(&server);
        socket.write_all(&get(1)).unwrap();
        let frames = frames(&mut socket);
        let go_aways = Vec::from_iter(frames.iter().filter(|(kind, ..)| *kind == GOAWAY));
        assert_eq!(go_aways, [&(GOAWAY, 0, vec![0, 0, 0, last, 0, 0, 0, 11])]);
        let data =
            frames.iter().any(|(kind, stream, data)| (*kind, *stream) == (0, 1) && data == b"hi");
        assert_eq!(data, last == 1);
        assert!(!frames.iter().any(|(kind, ..)| *kind == RST_STREAM), "no stream is reset");
    }
}

#[test]
fn streams_after_the_last_one_are_ignored() {
    let gate = Gate::new();
    let server = Http2Server::start(Http2Reply::ok("hi").go_away(0).hold_body(&gate));
    let mut socket = connect(&server);
    socket.write_all(&get(1)).unwrap();
    let until = |kind: u8, socket: &mut TcpStream| while frame(socket).unwrap().0 != kind {};
    // The GOAWAY comes before the head.
    until(GOAWAY, &mut socket);
    until(HEADERS, &mut socket);
    socket.write_all(&get(3)).unwrap();
    // It is read when what follows it is answered.
    socket.write_all(&[0, 0, 8, PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    until(PING, &mut socket);
    gate.open();
    assert!(frames(&mut socket).iter().all(|(_, stream, _)| *stream != 3));
    assert_eq!(server.request_count(), 1);
}
