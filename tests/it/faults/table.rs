//! The faults, and what each comes to: for which calls it is tried again is as `DefaultRetryStrategy` documents.

use midil_http::TransportErrorKind::{Closed, Connect, Protocol, Reset};
use midil_http_test::fault_server::{ChunkFault, Cut, OnConnect, Reply, Script};

use super::outcome::Outcome;

pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) script: fn() -> Script,
    /// What an attempt that meets it comes to.
    pub(super) comes_to: Outcome,
    /// For which calls it is tried again.
    pub(super) retried: Retried,
    /// How many attempts meet it; all is well after.
    pub(super) heals_after: usize,
    /// It is to be retried, and there is no use: the strategy gives up at once.
    pub(super) is_hopeless: bool,
    /// Over which connections the requests come.
    pub(super) connections: Connections,
    /// Another call goes before, over the same connection.
    pub(super) after_another: bool,
    /// The server ends the connection then, before the call.
    pub(super) ends_idle: bool,
    /// Where time has to pass.
    pub(super) stalls: Stalls,
    /// The server reads each request to its end.
    pub(super) reads: bool,
    /// So many attempts of a call never become a request in the server's record.
    pub(super) unrecorded: usize,
    /// The server says that it did not process the request, so that any may be sent again.
    pub(super) says_unprocessed: bool,
    /// Who is first decides what it comes to; no call hangs, and none that is not idempotent goes twice.
    pub(super) is_a_race: bool,
}

/// Which calls are tried again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Retried {
    Always,
    IfIdempotent,
    Never,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Connections {
    /// One for all.
    Same,
    /// One for each.
    New,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stalls {
    Nowhere,
    BeforeTheHead,
    InTheBody,
}

const ALWAYS: usize = usize::MAX;

pub(super) const WELL: Outcome = Outcome::Status(200);
pub(super) const REFUSED: Outcome = Outcome::Failed(&[Connect]);

/// No fault: what the others differ from.
const NONE: Fault = Fault {
    name: "none",
    script: || Reply::ok("hello").into(),
    comes_to: WELL,
    retried: Retried::Never,
    heals_after: 0,
    is_hopeless: false,
    connections: Connections::Same,
    after_another: false,
    ends_idle: false,
    stalls: Stalls::Nowhere,
    reads: true,
    unrecorded: 0,
    says_unprocessed: false,
    is_a_race: false,
};

/// It breaks every exchange before the head.
const BREAKS: Fault = Fault {
    retried: Retried::IfIdempotent,
    heals_after: ALWAYS,
    connections: Connections::New,
    ..NONE
};

/// A status that is tried again.
const BUSY: Fault = Fault { retried: Retried::IfIdempotent, heals_after: ALWAYS, ..NONE };

/// It breaks the body, which was handed over by then.
const CUTS: Fault = Fault { connections: Connections::New, ..NONE };

/// What happens to a connection between two calls.
const BETWEEN: Fault =
    Fault { after_another: true, ends_idle: true, connections: Connections::New, ..NONE };

fn once(fault: Reply) -> Script {
    [fault, Reply::ok("hello")].into()
}

fn chunks() -> Reply {
    Reply::ok("").chunked(["one", "two"])
}

pub(super) const FAULTS: &[Fault] = &[
    NONE,
    // Before a request is read.
    Fault {
        name: "closed when accepted",
        script: || Script::always(Reply::ok("")).on_connect([OnConnect::Close]),
        comes_to: Outcome::Failed(&[Closed, Reset]),
        is_a_race: true,
        ..BREAKS
    },
    Fault {
        name: "reset when accepted",
        script: || Script::always(Reply::ok("")).on_connect([OnConnect::Reset]),
        comes_to: Outcome::Failed(&[Closed, Reset]),
        is_a_race: true,
        ..BREAKS
    },
    // Before the head.
    Fault {
        name: "closed before the head",
        script: || Reply::close_before_head().into(),
        comes_to: Outcome::Failed(&[Closed]),
        ..BREAKS
    },
    Fault {
        name: "closed before the head, once",
        script: || once(Reply::close_before_head()),
        comes_to: Outcome::Failed(&[Closed]),
        heals_after: 1,
        ..BREAKS
    },
    Fault {
        name: "reset before the head",
        script: || Reply::reset_before_head().into(),
        comes_to: Outcome::Failed(&[Reset]),
        ..BREAKS
    },
    Fault {
        name: "reset before the head, twice",
        script: || {
            let fault = Reply::reset_before_head;
            [fault(), fault(), Reply::ok("hello")].into()
        },
        comes_to: Outcome::Failed(&[Reset]),
        heals_after: 2,
        ..BREAKS
    },
    Fault {
        name: "closed within the head",
        script: || Reply::ok("hello").cut_head_after(12, Cut::Close).into(),
        comes_to: Outcome::Failed(&[Closed]),
        ..BREAKS
    },
    Fault {
        name: "reset within the head",
        script: || Reply::ok("hello").cut_head_after(12, Cut::Reset).into(),
        comes_to: Outcome::Failed(&[Reset]),
        ..BREAKS
    },
    Fault {
        name: "no HTTP",
        script: || Reply::garbage().into(),
        comes_to: Outcome::Failed(&[Protocol]),
        ..BREAKS
    },
    Fault {
        name: "a head of 4 MiB",
        script: || Reply::ok("hello").pad_head(4 << 20).into(),
        comes_to: Outcome::Failed(&[Protocol]),
        ..BREAKS
    },
    Fault {
        name: "two lengths that differ",
        script: || {
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab").into()
        },
        comes_to: Outcome::Failed(&[Protocol]),
        ..BREAKS
    },
    Fault {
        name: "no answer",
        script: || Reply::stall().into(),
        comes_to: Outcome::TimedOut,
        stalls: Stalls::BeforeTheHead,
        ..BREAKS
    },
    Fault {
        name: "no answer, once",
        script: || once(Reply::stall()),
        comes_to: Outcome::TimedOut,
        heals_after: 1,
        stalls: Stalls::BeforeTheHead,
        ..BREAKS
    },
    Fault {
        name: "no answer after half a head",
        script: || Reply::ok("hello").cut_head_after(12, Cut::Stall).into(),
        comes_to: Outcome::TimedOut,
        stalls: Stalls::BeforeTheHead,
        ..BREAKS
    },
    // Within the body.
    Fault {
        name: "closed within a body of known length",
        script: || Reply::ok("hello").cut_body_after(2, Cut::Close).into(),
        comes_to: Outcome::Broken(&[Closed]),
        ..CUTS
    },
    Fault {
        name: "reset within a body of known length",
        script: || Reply::ok("hello").cut_body_after(2, Cut::Reset).into(),
        comes_to: Outcome::Broken(&[Reset]),
        ..CUTS
    },
    Fault {
        name: "closed within a chunk",
        script: || chunks().cut_body_after(4, Cut::Close).into(),
        comes_to: Outcome::Broken(&[Closed]),
        ..CUTS
    },
    Fault {
        name: "closed before the last chunk",
        script: || chunks().cut_body_after(6, Cut::Close).into(),
        comes_to: Outcome::Broken(&[Closed]),
        ..CUTS
    },
    Fault {
        name: "reset within a chunk",
        script: || chunks().cut_body_after(4, Cut::Reset).into(),
        comes_to: Outcome::Broken(&[Reset]),
        ..CUTS
    },
    Fault {
        name: "a chunk whose size is no number",
        script: || chunks().break_chunk(ChunkFault::Size).into(),
        comes_to: Outcome::Broken(&[Protocol]),
        ..CUTS
    },
    Fault {
        name: "a chunk whose size overflows",
        script: || chunks().break_chunk(ChunkFault::Overflow).into(),
        comes_to: Outcome::Broken(&[Protocol]),
        ..CUTS
    },
    Fault {
        name: "a chunk without its end",
        script: || chunks().break_chunk(ChunkFault::MissingEnd).into(),
        comes_to: Outcome::Broken(&[Protocol]),
        ..CUTS
    },
    Fault {
        name: "half a body, and no more",
        script: || Reply::ok("hello").stall_body_after(2).into(),
        comes_to: Outcome::BodyTimedOut,
        stalls: Stalls::InTheBody,
        ..CUTS
    },
    Fault {
        name: "more body than was said",
        script: || Reply::ok("hello, world").content_length(5).into(),
        ..CUTS
    },
    // Statuses.
    Fault {
        name: "503",
        script: || Reply::status(503).into(),
        comes_to: Outcome::Status(503),
        ..BUSY
    },
    Fault {
        name: "503, once",
        script: || once(Reply::status(503)),
        comes_to: Outcome::Status(503),
        heals_after: 1,
        ..BUSY
    },
    Fault {
        name: "503 and then a reset",
        script: || [Reply::status(503), Reply::reset_before_head(), Reply::ok("hello")].into(),
        comes_to: Outcome::Status(503),
        heals_after: 2,
        is_a_race: true,
        ..BUSY
    },
    Fault {
        name: "503 for an hour",
        script: || Reply::status(503).header("retry-after", "3600").into(),
        comes_to: Outcome::Status(503),
        is_hopeless: true,
        ..BUSY
    },
    Fault {
        name: "500 that closes",
        script: || Reply::status(500).close().into(),
        comes_to: Outcome::Status(500),
        connections: Connections::New,
        ..BUSY
    },
    Fault {
        name: "501",
        script: || Reply::status(501).into(),
        comes_to: Outcome::Status(501),
        ..NONE
    },
    Fault {
        name: "429",
        script: || Reply::status(429).into(),
        comes_to: Outcome::Status(429),
        retried: Retried::Always,
        says_unprocessed: true,
        ..BUSY
    },
    Fault {
        name: "429, once",
        script: || once(Reply::status(429)),
        comes_to: Outcome::Status(429),
        retried: Retried::Always,
        heals_after: 1,
        says_unprocessed: true,
        ..BUSY
    },
    // Uploads.
    Fault {
        name: "413 before the body, which is not read",
        script: || Reply::status(413).before_body().close().into(),
        comes_to: Outcome::Status(413),
        connections: Connections::New,
        reads: false,
        ..NONE
    },
    Fault {
        name: "413 before the body, and a reset",
        script: || Reply::status(413).stop_reading().close().into(),
        comes_to: Outcome::Status(413),
        connections: Connections::New,
        reads: false,
        is_a_race: true,
        ..NONE
    },
    Fault {
        name: "100 Continue withheld",
        script: || Reply::ok("hello").withhold_continue().into(),
        ..NONE
    },
    Fault {
        name: "103 before the answer",
        script: || Reply::ok("hello").interim(103, [("link", "</style.css>")]).into(),
        ..NONE
    },
    // Between calls.
    Fault {
        name: "an idle connection that was closed",
        script: || once(Reply::ok("").close_silently()),
        ..BETWEEN
    },
    Fault {
        name: "an idle connection that was closed by half",
        script: || once(Reply::ok("").half_close()),
        ..BETWEEN
    },
    Fault {
        name: "an idle connection that is closed over the request",
        script: || once(Reply::ok("").close_at_next_request()),
        comes_to: Outcome::Failed(&[Closed, Reset]),
        retried: Retried::IfIdempotent,
        heals_after: 1,
        ends_idle: false,
        unrecorded: 1,
        ..BETWEEN
    },
];
