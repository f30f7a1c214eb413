//! What a step looks like on the wire.

use std::time::Duration;

use midil_http_test::fault_server::{ChunkFault, Cut, Reply};

use super::{CALL, SERIAL, path};
use crate::content;
use crate::plan::{Break, Call, Framing, Lose, Step};

/// An answer, or what there is of it.
pub(super) fn answer(call: &Call, step: Step, number: usize, serial: u64) -> Reply {
    let head =
        |reply: Reply| reply.header(CALL, call.id.to_string()).header(SERIAL, serial.to_string());
    let bytes = || content::bytes(call.id, call.download);
    let reply = match step {
        Step::Page => {
            let next = format!("<{}>; rel=\"next\"", path(call.id, number + 1));
            return head(Reply::ok(content::page(call.id, number))).header("link", next);
        }
        Step::Lose(Lose::Short) => {
            let length = u64::try_from(call.download + 10).expect("64 bits");
            Reply::ok(bytes()).content_length(length)
        }
        Step::Lose(Lose::NoEnd) => {
            Reply::ok("").chunked([bytes()]).cut_body_after(call.download, Cut::Close)
        }
        Step::Lose(Lose::BadChunk) => Reply::ok(bytes()).break_chunk(ChunkFault::Size),
        Step::StallBody => {
            let length = u64::try_from(call.download + 10).expect("64 bits");
            Reply::ok(bytes()).content_length(length).stall_body_after(call.download)
        }
        _ => framed(call, bytes()),
    };
    head(reply)
}

/// A whole answer, in the framing of the call.
pub(super) fn framed(call: &Call, bytes: Vec<u8>) -> Reply {
    match call.framing {
        Framing::Length => Reply::ok(bytes),
        Framing::Chunked => {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            Reply::ok("").chunked([first, second])
        }
        Framing::LastOfConnection => Reply::ok(bytes).close(),
        Framing::Slow => {
            let piece = bytes.len() / 4 + 1;
            Reply::ok(bytes).drip(piece, Duration::from_millis(3))
        }
        Framing::Interim => Reply::ok(bytes).interim(103, [("link", "</style.css>; rel=preload")]),
    }
}

pub(super) fn refuse(call: &Call, step: Step) -> Reply {
    let refused = |status| {
        Reply::status(status).body(content::refusal(call.id)).header(CALL, call.id.to_string())
    };
    match step {
        Step::Busy(status, seconds) => refused(status).header("retry-after", seconds.to_string()),
        Step::Refuse(status) => refused(status),
        _ => refused(500),
    }
}

pub(super) fn lead(call: &Call, status: u16, location: &str) -> Reply {
    refuse(call, Step::Refuse(status)).header("location", location)
}

/// No response at all.
pub(super) fn none(call: &Call, step: Step) -> Reply {
    match step {
        Step::Break(Break::Close) => Reply::close_before_head(),
        Step::Break(Break::Reset) => Reply::reset_before_head(),
        Step::Break(Break::Garbage) => Reply::garbage(),
        Step::Break(Break::CutHead) => {
            Reply::ok(content::refusal(call.id)).cut_head_after(20, Cut::Close)
        }
        _ => Reply::stall(),
    }
}
