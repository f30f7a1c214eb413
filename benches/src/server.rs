//! The peer, in a process of its own: one fixed answer to whatever is asked, over kept-alive connections,
//! but for two paths, by which calls are kept in flight.
//!
//! The answer leaves in one write, so the client is woken once per call, whichever way the two are scheduled.

use std::io::{self, BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{self, Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

use crate::{BoxError, command};

/// The body of the answer.
pub(crate) const REPLY: &str = r#"{"id":42,"name":"Ada Lovelace","email":"ada@example.com"}"#;

/// The path which asks that from now on no other is answered: calls then end with their connections.
pub(crate) const HOLD_ALL: &str = "/hold-all";

/// The path that tells how many such calls there are.
pub(crate) const HELD: &str = "/held";

static HOLDING: AtomicBool = AtomicBool::new(false);
static HELD_NOW: AtomicUsize = AtomicUsize::new(0);

/// A running server process. Ends with this value, or with the process that holds it.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// The server runs until the other end of this is closed.
    lifeline: Option<ChildStdin>,
    port: u16,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub(crate) fn start() -> Result<Self, BoxError> {
        let mut process =
            command::own()?.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let lifeline = process.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let port = line.trim().parse().map_err(|_| "the server did not start")?;
        Ok(Self { process, lifeline, port })
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The port that the OS chose.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Its standard input is closed, so it ends by itself; nothing to do if that could not be waited for.
        let _ = self.process.wait();
    }
}

/// Serves until standard input ends, on one thread for however many connections. The first line of output is the port,
/// which the OS chose.
pub(crate) fn serve() -> Result<(), BoxError> {
    thread::spawn(|| {
        // When nobody holds the other end any more, nobody is left to serve.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (connection, _) = listener.accept().await?;
            // A client that ends resets its connection: nobody is left to tell.
            tokio::spawn(answer(connection));
        }
    })
}

/// The longest request, head and body.
const LONGEST: usize = 16 * 1024;

async fn answer(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let usual = reply(REPLY);
    let mut buffer = vec![0; LONGEST];
    let mut filled = 0;
    loop {
        let Some(request) = Received::find(&buffer[..filled])? else {
            match connection.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                read => filled += read,
            }
            continue;
        };
        if request.asks_for(HELD) {
            let held = HELD_NOW.load(Relaxed).to_string();
            connection.write_all(reply(&held).as_bytes()).await?;
        } else if HOLDING.load(Relaxed) {
            HELD_NOW.fetch_add(1, Relaxed);
            let closed = connection.read(&mut buffer).await;
            HELD_NOW.fetch_sub(1, Relaxed);
            return closed.map(drop);
        } else {
            if request.asks_for(HOLD_ALL) {
                HOLDING.store(true, Relaxed);
            }
            connection.write_all(usual.as_bytes()).await?;
        }
        let length = request.length;
        buffer.copy_within(length..filled, 0);
        filled -= length;
    }
}

fn reply(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         server: bench\r\ncache-control: no-store\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One request at the beginning of what was received.
struct Received<'a> {
    head: &'a [u8],
    /// With its body.
    length: usize,
}

impl<'a> Received<'a> {
    /// `None` as long as some of it is missing.
    fn find(received: &'a [u8]) -> io::Result<Option<Self>> {
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = &received[..end];
        let length = end + 4 + content_length(head)?;
        Ok((length <= received.len()).then_some(Self { head, length }))
    }

    fn asks_for(&self, path: &str) -> bool {
        let rest =
            self.head.strip_prefix(b"GET ").and_then(|rest| rest.strip_prefix(path.as_bytes()));
        rest.is_some_and(|rest| rest.starts_with(b" "))
    }
}

fn content_length(head: &[u8]) -> io::Result<usize> {
    if head.starts_with(b"GET ") {
        return Ok(0);
    }
    let head = std::str::from_utf8(head).map_err(io::Error::other)?;
    let value = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then_some(value.trim())
    });
    value.map_or(Ok(0), |value| value.parse().map_err(io::Error::other))
}
