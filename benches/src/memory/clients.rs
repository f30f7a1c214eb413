//! What a client of each stack holds: built, after its first call, for each call in flight, and when those are over.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::BoxError;
use crate::counter::live;
use crate::grid::Cell;
use crate::stacks::{GROUPS, Group};
use crate::{client, server};

/// Calls in flight, each with a connection of its own: few enough for the 1024 descriptors that a process has by default.
const IN_FLIGHT: u64 = 400;

/// How often it is looked whether the calls have ended, before they count as left behind.
const ROUNDS_TO_END: u32 = 25;

/// The bare backend and ours.
pub(super) fn compared(group: &Group) -> impl Iterator<Item = usize> + use<> {
    let ours = group.stacks.iter().position(|stack| stack.title.contains("midil-http over"));
    [Some(0), ours].into_iter().flatten()
}

pub(super) async fn measure(group: usize, stack: usize, port: u16) -> Result<Vec<Cell>, BoxError> {
    let stack =
        GROUPS.get(group).and_then(|group| group.stacks.get(stack)).ok_or("no such stack")?;
    let url = format!("http://127.0.0.1:{port}{}", client::PATH);
    let url = &*url.leak();
    // What the runtime makes once is there.
    tokio::time::sleep(Duration::from_millis(1)).await;

    let nothing = live();
    let caller = (stack.start)(url)?;
    let built = live() - nothing;
    caller.call().await?;
    settle().await;
    let idle = live() - nothing;

    ask(port, server::HOLD_ALL)?;
    let mut calls = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        calls.spawn(caller.call());
    }
    // All but the one that goes over the connection which is there connect.
    while ask(port, server::HELD)?.parse::<u64>()? < IN_FLIGHT {
        settle().await;
    }
    settle().await;
    let in_flight = (live() - nothing - idle) / IN_FLIGHT;

    calls.shutdown().await;
    // Bare isahc does not break off what nobody waits for any more.
    for _ in 0..ROUNDS_TO_END {
        settle().await;
        if ask(port, server::HELD)? == "0" {
            break;
        }
    }
    settle().await;
    let after = live().saturating_sub(nothing);
    let left = after.saturating_sub(idle) / IN_FLIGHT;
    let cell = |column: &str, value| Cell {
        table: "client".into(),
        row: stack.title.into(),
        column: column.into(),
        value,
    };
    Ok(vec![
        cell("just built", built),
        cell("idle, after a call", idle),
        cell("more for each call in flight", in_flight),
        cell("left of each when it is over", left),
    ])
}

/// Lets the runtime do what there is to do.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Asks the server for something beside the measured client, without allocating for long.
fn ask(port: u16, path: &str) -> Result<String, BoxError> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    write!(connection, "GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    let mut buffer = [0; 1024];
    while !answer.contains("\r\n\r\n") {
        let read = connection.read(&mut buffer)?;
        if read == 0 {
            return Err("the server said nothing".into());
        }
        answer.push_str(std::str::from_utf8(&buffer[..read])?);
        thread::yield_now();
    }
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.into()).unwrap_or_default())
}
