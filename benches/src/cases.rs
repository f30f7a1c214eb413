//! What each stack is asked to do: a table of the output each.

use http::Method;

use crate::BoxError;
use crate::rows::{self, Row};

/// One kind of call.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its name on the command line and in the limits.
    pub(crate) key: &'static str,
    /// Its name in the table.
    pub(crate) title: &'static str,
    pub(crate) method: Method,
    /// How the URL names this machine. Parsing an address, and printing it again, costs far more than a name.
    pub(crate) host: &'static str,
    /// Whether `--check` holds our rows to their promises here. A POST does not keep them: see README.md.
    pub(crate) promised: bool,
    /// Who is asked.
    pub(crate) rows: &'static [Row],
    /// The row that the others are compared with.
    pub(crate) baseline: &'static str,
    /// Its name, in the head of the table.
    pub(crate) versus: &'static str,
}

const LOOPBACK: Case = Case {
    key: "get",
    title: "GET, IPv4 host",
    method: Method::GET,
    host: "127.0.0.1",
    promised: true,
    rows: rows::ROWS,
    baseline: rows::BASELINE,
    versus: "bare reqwest from string",
};

const MEMORY: Case = Case {
    key: "memory-get",
    title: "GET, in memory",
    promised: false,
    rows: rows::MEMORY_ROWS,
    baseline: rows::IN_MEMORY,
    versus: "the transport by itself",
    ..LOOPBACK
};

/// All of them, in the order of the output.
pub(crate) const CASES: &[Case] = &[
    LOOPBACK,
    Case { key: "get-name", title: "GET, named host", host: "localhost", ..LOOPBACK },
    Case {
        key: "post",
        title: "POST 1 KiB, IPv4 host",
        method: Method::POST,
        promised: false,
        ..LOOPBACK
    },
    MEMORY,
    Case { key: "memory-post", title: "POST 1 KiB, in memory", method: Method::POST, ..MEMORY },
];

/// The first case that asks that row.
pub(crate) fn first(row: &Row) -> Option<&'static Case> {
    CASES.iter().find(|case| case.has(row))
}

impl Case {
    /// Whether that row is asked.
    pub(crate) fn has(&self, row: &Row) -> bool {
        self.rows.iter().any(|asked| asked.key == row.key)
    }
}

/// The case of that name.
pub(crate) fn find(key: &str) -> Result<&'static Case, BoxError> {
    CASES.iter().find(|case| case.key == key).ok_or_else(|| {
        let keys: Vec<_> = CASES.iter().map(|case| case.key).collect();
        format!("no case `{key}`; the cases are {}", keys.join(", ")).into()
    })
}
