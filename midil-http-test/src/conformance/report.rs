//! [`Report`]: what a run came to.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::case::Case;
use super::table::Table;

/// What a transport was said to lack.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    pub(super) why: String,
    pub(super) sometimes: bool,
}

impl Gap {
    pub(super) const fn always(why: String) -> Self {
        Self { why, sometimes: false }
    }

    pub(super) const fn sometimes(why: String) -> Self {
        Self { why, sometimes: true }
    }
}

/// What a run of the [`Suite`](super::Suite) came to.
///
/// `Display` lists what is not as it should be, and counts the rest.
///
/// ```
/// use midil_http_core::{Body, Error, Request, TransportSettings};
/// use midil_http_test::conformance::{Outcome, Suite};
///
/// let suite = Suite::new("my transport", |_: &TransportSettings| {
///     Ok(|_: Request| async { Ok::<_, Error>(http::Response::new(Body::from("hello"))) })
/// });
/// let suite = suite.only("a_204_has_no_body");
/// let report = futures_util::FutureExt::now_or_never(suite.run()).unwrap();
/// assert!(!report.conforms());
/// for case in report.with_outcome(Outcome::Fails) {
///     println!("{}: {:?}, declared: {:?}", case.name(), case.failure(), case.gap());
///     assert_eq!(case.outcome(), Outcome::Fails);
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a report that nobody looks at proves nothing: call `assert_conforms`"]
pub struct Report {
    transport: String,
    cases: Vec<CaseReport>,
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    name: &'static str,
    group: &'static str,
    elapsed: Duration,
    failure: Option<String>,
    gap: Option<Gap>,
}

/// What a case came to, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The behaviour holds, as it should.
    Holds,
    /// It does not hold, and nobody said so.
    Fails,
    /// It does not hold (or [not always](super::Suite::lacks_sometimes)), as was declared.
    Gap,
    /// It was declared not to hold, and does: the declaration is to be removed.
    Stale,
}

impl Report {
    pub(super) const fn new(transport: String, cases: Vec<CaseReport>) -> Self {
        Self { transport, cases }
    }

    /// What the suite was told that the transport is called.
    #[must_use]
    pub fn transport(&self) -> &str {
        &self.transport
    }

    /// All cases that were run, in the suite's order.
    #[must_use]
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// Those with this outcome.
    pub fn with_outcome(&self, outcome: Outcome) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(move |case| case.outcome() == outcome)
    }

    /// The names of the cases that fail, declared or not.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        self.cases.iter().filter(|case| case.failure.is_some()).map(|case| case.name).collect()
    }

    /// Whether everything is as it should be: whatever does not hold was declared, and nothing else.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.cases.iter().all(|case| matches!(case.outcome(), Outcome::Holds | Outcome::Gap))
    }

    /// Panics unless the transport [conforms](Self::conforms).
    ///
    /// # Panics
    /// With what failed, what was expected and what was seen; and with declarations that are stale.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.conforms(), "{self}");
    }

    /// A table of the behaviours, in Markdown; the reasons of the gaps are below it.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        Table::new([self.clone()]).to_string()
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.with_outcome(outcome).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut problems = String::new();
        for case in &self.cases {
            let CaseReport { name, group, failure, .. } = case;
            match case.outcome() {
                Outcome::Fails => {
                    let failure = failure.as_deref().unwrap_or_default();
                    writeln!(problems, "  {group}: {name}\n      {failure}")?;
                }
                Outcome::Stale => {
                    let advice = "holds, though it was declared a gap: remove the declaration";
                    writeln!(problems, "  {group}: {name}\n      {advice}")?;
                }
                Outcome::Holds | Outcome::Gap => {}
            }
        }
        let [holds, fails, gaps, stale] =
            [Outcome::Holds, Outcome::Fails, Outcome::Gap, Outcome::Stale]
                .map(|outcome| self.count(outcome));
        write!(
            f,
            "{}: of {} behaviours, {holds} hold, {gaps} are declared gaps, {fails} fail, {stale} are stale gaps",
            self.transport,
            self.cases.len()
        )?;
        if problems.is_empty() { Ok(()) } else { write!(f, "\n{}", problems.trim_end()) }
    }
}

impl CaseReport {
    pub(super) const fn new(
        case: Case,
        elapsed: Duration,
        failure: Option<String>,
        gap: Option<Gap>,
    ) -> Self {
        Self { name: case.name, group: case.group, elapsed, failure, gap }
    }

    /// The behaviour, as a sentence in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it is a behaviour of.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// How long it took.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// What was expected and what was seen, when it does not hold.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Why the transport lacks it, when that was declared.
    #[must_use]
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_ref().map(|gap| gap.why.as_str())
    }

    /// What it came to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (&self.failure, &self.gap) {
            (None, None) => Outcome::Holds,
            (Some(_), None) => Outcome::Fails,
            (None, Some(gap)) if !gap.sometimes => Outcome::Stale,
            (_, Some(_)) => Outcome::Gap,
        }
    }

    /// Whether the declared gap is one only now and then.
    pub(super) fn sometimes(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| gap.sometimes)
    }
}
