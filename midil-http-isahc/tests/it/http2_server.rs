//! Just enough of an HTTP/2 server to answer requests with frames of the test's choice.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

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
    /// The end of the connection.
    Close,
}

/// Speaks HTTP/2 on a port of its own; its threads end with the test's process.
pub(crate) struct Http2Server {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Http2Server {
    /// Without TLS. Answers the first request with the first of `answers` and so on; the last one repeats.
    pub(crate) fn start(answers: impl IntoIterator<Item = Vec<Frame>>) -> Self {
        Self::behind("http", answers, Some)
    }

    /// The same, but it answers when it has the head of a request, and does not wait for the body.
    pub(crate) fn hasty(answers: impl IntoIterator<Item = Vec<Frame>>) -> Self {
        Self::new("http", answers, true, Some)
    }

    /// Behind what `wrap` makes of a connection.
    pub(crate) fn behind<S: Read + Write>(
        scheme: &str,
        answers: impl IntoIterator<Item = Vec<Frame>>,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        Self::new(scheme, answers, false, wrap)
    }

    fn new<S: Read + Write>(
        scheme: &str,
        answers: impl IntoIterator<Item = Vec<Frame>>,
        is_hasty: bool,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
        let (requests, wrap) = (Arc::new(AtomicUsize::new(0)), Arc::new(wrap));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (answers, seen, wrap) = (answers.clone(), Arc::clone(&seen), Arc::clone(&wrap));
                thread::spawn(move || {
                    wrap(socket).map(|mut socket| serve(&mut socket, &answers, is_hasty, &seen))
                });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
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
fn serve<S: Read + Write>(
    socket: &mut S,
    answers: &[Vec<Frame>],
    is_hasty: bool,
    requests: &AtomicUsize,
) -> io::Result<()> {
    socket.read_exact(&mut [0; "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()])?;
    write(socket, SETTINGS, 0, 0, &[])?;
    let mut index = 0;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head)?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = Vec::new();
        socket.take(length.into()).read_to_end(&mut payload)?;
        match kind {
            SETTINGS if flags & ACK == 0 => write(socket, SETTINGS, ACK, 0, &[])?,
            HEADERS | DATA => {
                if kind == HEADERS {
                    index = requests.fetch_add(1, Ordering::SeqCst);
                }
                let is_due = if is_hasty { kind == HEADERS } else { flags & END_STREAM != 0 };
                for frame in answers.get(index).or(answers.last()).into_iter().flatten() {
                    if is_due && !answer(socket, u32::from_be_bytes(id), *frame)? {
                        return Ok(());
                    }
                }
            }
            _ => {}
        }
    }
}

/// Returns whether the connection goes on.
fn answer<S: Write>(socket: &mut S, id: u32, frame: Frame) -> io::Result<bool> {
    const STATUS_200: u8 = 0x88; // an entry of HPACK's static table
    match frame {
        Frame::Head => write(socket, HEADERS, END_HEADERS, id, &[STATUS_200])?,
        Frame::Data(data) => write(socket, DATA, 0, id, data.as_bytes())?,
        Frame::Trailers => write(socket, HEADERS, END_HEADERS | END_STREAM, id, &[])?,
        Frame::ResetStream(reason) => write(socket, RST_STREAM, 0, id, &reason.to_be_bytes())?,
        Frame::GoAway { last, reason } => {
            write(socket, GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())?;
        }
        Frame::Close => return Ok(false),
    }
    Ok(true)
}

fn write<S: Write>(socket: &mut S, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?.to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(payload);
    socket.write_all(&frame)
}
