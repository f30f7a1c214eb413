//! Just enough of an HTTP/2 server to answer requests with frames of the test's choice.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// A frame of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    /// Status 200.
    Head,
    Data(&'static str),
    /// The end of the stream.
    Trailers,
    ResetStream(u32),
    GoAway {
        last: u32,
        reason: u32,
    },
    /// A head that does not decode.
    Garbage,
    /// The end of the connection.
    Close,
}

/// Speaks HTTP/2 without TLS on a port of its own; its threads end with the test's process.
pub(crate) struct Http2Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    connections: usize,
    ended: usize,
    requests: usize,
    resets: Vec<u32>,
}

impl Http2Server {
    /// Answers the first request with the first of `answers` and so on; the last one repeats.
    pub(crate) fn start(answers: impl IntoIterator<Item = Vec<Frame>>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let on_thread = Arc::clone(&seen);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                on_thread.note(|state| state.connections += 1);
                let (answers, seen) = (answers.clone(), Arc::clone(&on_thread));
                thread::spawn(move || {
                    let outcome = serve(&socket, &answers, &seen);
                    seen.note(|state| state.ended += 1);
                    outcome
                });
            }
        });
        Self { address, seen }
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.state.lock().unwrap().connections
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.state.lock().unwrap().requests
    }

    /// Blocks until the client has reset a stream for `reason`.
    pub(crate) fn wait_for_reset(&self, reason: u32) {
        self.wait(|state| state.resets.contains(&reason));
    }

    /// Blocks until that many connections have ended.
    pub(crate) fn wait_for_ends(&self, count: usize) {
        self.wait(|state| state.ended >= count);
    }

    fn wait(&self, done: impl Fn(&State) -> bool) {
        let (limit, state) = (Duration::from_secs(10), self.seen.state.lock().unwrap());
        let waited = self.seen.changed.wait_timeout_while(state, limit, |state| !done(state));
        assert!(!waited.unwrap().1.timed_out());
    }
}

impl Seen {
    fn note<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        result
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Ends when the client does, or an answer says so.
fn serve(mut socket: &TcpStream, answers: &[Vec<Frame>], seen: &Seen) -> io::Result<()> {
    socket.read_exact(&mut [0; "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()])?;
    write(socket, SETTINGS, 0, 0, &[])?;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head)?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = Vec::new();
        socket.take(length.into()).read_to_end(&mut payload)?;
        match kind {
            SETTINGS if flags & ACK == 0 => write(socket, SETTINGS, ACK, 0, &[])?,
            RST_STREAM => {
                let reason = u32::from_be_bytes(payload.try_into().unwrap_or_default());
                seen.note(|state| state.resets.push(reason));
            }
            HEADERS => {
                let index = seen.note(|state| {
                    state.requests += 1;
                    state.requests - 1
                });
                for frame in answers.get(index).or(answers.last()).into_iter().flatten() {
                    if !answer(socket, u32::from_be_bytes(id), *frame)? {
                        return socket.shutdown(std::net::Shutdown::Both);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Returns whether the connection goes on.
fn answer(socket: &TcpStream, id: u32, frame: Frame) -> io::Result<bool> {
    const STATUS_200: u8 = 0x88; // an entry of HPACK's static table
    match frame {
        Frame::Head => write(socket, HEADERS, END_HEADERS, id, &[STATUS_200])?,
        Frame::Data(data) => write(socket, DATA, 0, id, data.as_bytes())?,
        Frame::Trailers => write(socket, HEADERS, END_HEADERS | END_STREAM, id, &[])?,
        Frame::ResetStream(reason) => write(socket, RST_STREAM, 0, id, &reason.to_be_bytes())?,
        Frame::GoAway { last, reason } => {
            write(socket, GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())?;
        }
        Frame::Garbage => write(socket, HEADERS, END_HEADERS, id, &[0xff; 8])?,
        Frame::Close => return Ok(false),
    }
    Ok(true)
}

fn write(mut socket: &TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?.to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(payload);
    socket.write_all(&frame)
}
