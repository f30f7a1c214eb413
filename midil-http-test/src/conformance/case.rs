//! A case: one behaviour, and how to find out whether it holds.

use midil_http_core::BoxFuture;

use super::bench::Bench;
use super::verdict::Verdict;

/// One behaviour.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) group: &'static str,
    /// Reads as a sentence about the transport.
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a Bench) -> BoxFuture<'a, Verdict>,
}

/// The cases of a group: functions of the same file, whose names are those of the cases.
macro_rules! cases {
    ($group:literal: $($name:ident),+ $(,)?) => {
        pub(in $crate::conformance) const CASES: &[$crate::conformance::case::Case] = &[$(
            $crate::conformance::case::Case {
                group: $group,
                name: stringify!($name),
                run: |bench| Box::pin($name(bench)),
            },
        )+];
    };
}

pub(super) use cases;
