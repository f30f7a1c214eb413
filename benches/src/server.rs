//! The peer, in a process of its own: one fixed answer to whatever is asked, over kept-alive connections.
//!
//! The answer leaves in one write, so the client is woken once per call, whichever way the two are scheduled.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Stdio};
use std::thread;

use crate::{BoxError, command};

/// The body of the answer.
pub(crate) const REPLY: &str = r#"{"id":42,"name":"Ada Lovelace","email":"ada@example.com"}"#;

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

/// Serves until standard input ends. The first line of output is the port, which the OS chose.
pub(crate) fn serve() -> Result<(), BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that ends resets its connection: nobody is left to tell.
            thread::spawn(move || answer(connection));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn answer(mut connection: TcpStream) -> io::Result<()> {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         server: bench\r\ncache-control: no-store\r\ncontent-length: {}\r\n\r\n{REPLY}",
        REPLY.len()
    );
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection.try_clone()?);
    while skip_request(&mut requests)? {
        connection.write_all(reply.as_bytes())?;
    }
    Ok(())
}

/// Reads one request, head and body. False when the connection ended before it.
fn skip_request(requests: &mut impl BufRead) -> io::Result<bool> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            None if line == "\r\n" => break,
            _ => {}
        }
    }
    io::copy(&mut requests.take(length), &mut io::sink())?;
    Ok(true)
}
