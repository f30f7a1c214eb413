//! The thread that accepts connections, and the threads that serve them.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::line::{Line, Lines};
use super::record::Record;
use super::service::Service;

/// What a server's threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) service: Box<dyn Service>,
    pub(super) record: Record,
    pub(super) lines: Lines,
    pub(super) stopping: AtomicBool,
}

/// Accepts connections until the server stops; returns the threads that may still run.
pub(super) fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    loop {
        let accepted = listener.accept();
        if shared.stopping.load(Ordering::SeqCst) {
            return threads;
        }
        threads.retain(|thread: &JoinHandle<()>| !thread.is_finished());
        match accepted {
            Ok((socket, _)) => threads.extend(serve_on_thread(socket, shared)),
            // A client that left while it was queued, or no file descriptor to be had: that may pass,
            // and the server's drop unparks.
            Err(_) => thread::park_timeout(Duration::from_millis(5)),
        }
    }
}

fn serve_on_thread(socket: TcpStream, shared: &Arc<Shared>) -> Option<JoinHandle<()>> {
    let connection = shared.record.connection_opened();
    let line = Arc::new(Line::new(socket));
    // Known before the thread runs, so that whoever joins the threads can stop them all.
    shared.lines.add(connection, &line);
    let on_thread = Arc::clone(shared);
    let thread = thread::Builder::new().name(format!("fault-server-{connection}"));
    let spawned = thread.spawn(move || {
        on_thread.service.serve(connection, line, &on_thread.record);
        close(connection, &on_thread);
    });
    // No thread to be had: the closure, and the line in it, is gone.
    spawned.map_err(|_| close(connection, shared)).ok()
}

/// Closes the socket, then says so.
fn close(connection: usize, shared: &Shared) {
    shared.lines.remove(connection);
    shared.record.connection_closed();
}
