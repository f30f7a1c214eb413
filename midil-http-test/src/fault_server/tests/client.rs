//! The client of these tests: a socket, and a reader of well-formed responses.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::fault_server::FaultServer;

pub(super) const GET: &str = "GET /a HTTP/1.1\r\nhost: here\r\n\r\n";

pub(super) struct Client {
    reader: BufReader<TcpStream>,
}

/// How a stream ended: `Ok` at its end, else the kind of error.
pub(super) type Ended = Result<(), io::ErrorKind>;

impl Client {
    pub(super) fn connect(server: &FaultServer) -> Self {
        Self::at(server.address())
    }

    pub(super) fn at(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // A test that would hang fails instead.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    /// Connects and sends `request`.
    pub(super) fn sending(server: &FaultServer, request: &str) -> Self {
        let mut client = Self::connect(server);
        client.send(request);
        client
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }

    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream().write_all(bytes.as_ref()).unwrap();
    }

    pub(super) fn half_close(&mut self) {
        self.stream().shutdown(Shutdown::Write).unwrap();
    }

    /// A head, and a body of the length that it declares.
    pub(super) fn response(&mut self) -> (String, String) {
        let head = self.head();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = self.exactly(length.map_or(0, |length| length.parse().unwrap()));
        (head, body)
    }

    pub(super) fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.reader.read_line(&mut head).unwrap(), 0, "cut head: {head:?}");
        }
        head
    }

    pub(super) fn exactly(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Everything up to the end, and how it ended.
    pub(super) fn rest(&mut self) -> (String, Ended) {
        let mut bytes = Vec::new();
        let ended = self.reader.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (text, ended.map(drop).map_err(|error| error.kind()))
    }
}

/// What the server sends to `request` on a connection of its own.
pub(super) fn answer(server: &FaultServer, request: &str) -> (String, Ended) {
    Client::sending(server, request).rest()
}
