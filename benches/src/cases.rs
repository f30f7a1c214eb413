//! What each stack is asked to do: a table of the output each.

use http::Method;

use crate::BoxError;

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
}

/// All of them, in the order of the output.
pub(crate) const CASES: &[Case] = &[
    Case {
        key: "get",
        title: "GET, IPv4 host",
        method: Method::GET,
        host: "127.0.0.1",
        promised: true,
    },
    Case {
        key: "get-name",
        title: "GET, named host",
        method: Method::GET,
        host: "localhost",
        promised: true,
    },
    Case {
        key: "post",
        title: "POST 1 KiB, IPv4 host",
        method: Method::POST,
        host: "127.0.0.1",
        promised: false,
    },
];

/// The case of that name.
pub(crate) fn find(key: &str) -> Result<&'static Case, BoxError> {
    CASES.iter().find(|case| case.key == key).ok_or_else(|| {
        let keys: Vec<_> = CASES.iter().map(|case| case.key).collect();
        format!("no case `{key}`; the cases are {}", keys.join(", ")).into()
    })
}
