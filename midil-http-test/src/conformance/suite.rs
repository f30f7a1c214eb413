//! [`Suite`].

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_timer::Delay;
use futures_util::future::{Either, FutureExt as _, select};
use futures_util::stream::{self, StreamExt as _};
use midil_http_core::{Error, Transport, TransportSettings};

use super::bench::{Bench, Common, Make};
use super::case::Case;
use super::cases;
use super::report::{CaseReport, Gap, Report};
use super::verdict::Failure;

/// How many cases are under way at a time: some of them wait, and each blocks the others' thread now and then.
const AT_ONCE: usize = 4;

/// Runs the cases against a transport, see the [module](super).
///
/// Each case gets transports of its own, made with the settings that it needs, and servers of its
/// own on loopback ports that the system chooses. A case that hangs or panics fails; the others go
/// on. The suite brings no executor and no runtime: whatever polls [`run`](Self::run) polls the
/// transport.
///
/// # Examples
///
/// ```no_run
/// # use midil_http_core::{Body, Error, Request, TransportSettings};
/// use midil_http_test::conformance::Suite;
///
/// # struct MyTransport;
/// # impl MyTransport {
/// #     fn from_settings(_: &TransportSettings) -> Result<impl midil_http_core::Transport + use<>, Error> {
/// #         Ok(|_: Request| async { Ok(http::Response::new(Body::empty())) })
/// #     }
/// # }
/// # async fn run() {
/// let report = Suite::new("my transport", MyTransport::from_settings)
///     .lacks("trailers_of_a_request_pass", "the stack beneath has no way to say them")
///     .lacks_sometimes("a_103_is_skipped", "the stack beneath may hand it out, if it comes early")
///     .lacks_group("TLS", "it speaks plain http alone")
///     .time_limit(std::time::Duration::from_secs(5))
///     .run()
///     .await;
/// report.assert_conforms();
/// # }
/// ```
#[must_use = "a suite does nothing until it is run"]
pub struct Suite {
    name: String,
    make: Make,
    gaps: HashMap<&'static str, Gap>,
    /// Empty: all.
    only: Vec<&'static str>,
    time_limit: Duration,
}

impl Suite {
    /// All cases, against the transport that `make` makes. `name` is what reports call it.
    pub fn new<T: Transport>(
        name: impl Into<String>,
        make: impl Fn(&TransportSettings) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Self {
        let make: Make = Arc::new(move |settings| {
            make(settings).map(|transport| -> Arc<dyn Transport> { Arc::new(transport) })
        });
        let (gaps, only) = (HashMap::new(), Vec::new());
        Self { name: name.into(), make, gaps, only, time_limit: Duration::from_secs(20) }
    }

    /// Names and groups of all cases, in their order.
    ///
    /// ```
    /// use midil_http_test::conformance::Suite;
    ///
    /// assert!(Suite::cases().count() > 100);
    /// assert!(Suite::cases().any(|case| case == ("Framing", "a_length_ends_a_body")));
    /// ```
    pub fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
        cases::all().map(|case| (case.group, case.name))
    }

    /// Declares that the transport does not do this, and why. The case is run all the same: when it
    /// holds after all, the declaration is stale, which is a failure.
    ///
    /// # Panics
    /// When there is no case of that name.
    #[track_caller]
    pub fn lacks(self, case: &str, why: impl Into<String>) -> Self {
        self.declare(case, Gap::always(why.into()))
    }

    /// As [`lacks`](Self::lacks), for what holds now and then, as the timing wants it.
    ///
    /// # Panics
    /// When there is no case of that name.
    #[track_caller]
    pub fn lacks_sometimes(self, case: &str, why: impl Into<String>) -> Self {
        self.declare(case, Gap::sometimes(why.into()))
    }

    /// Declares a whole group: for what a transport does not speak at all, TLS say. Cases that hold
    /// by chance are not stale.
    ///
    /// # Panics
    /// When there is no group of that name.
    #[track_caller]
    pub fn lacks_group(mut self, group: &str, why: impl Into<String>) -> Self {
        let why = why.into();
        let before = self.gaps.len();
        for case in cases::all().filter(|case| case.group == group) {
            self.gaps.insert(case.name, Gap::sometimes(why.clone()));
        }
        assert!(self.gaps.len() > before, "there is no group {group:?} to declare");
        self
    }

    /// The names of the cases that were declared to be lacking, in the suite's order.
    ///
    /// ```
    /// # use midil_http_core::{Body, Error, Request, TransportSettings};
    /// use midil_http_test::conformance::Suite;
    ///
    /// # let make = |_: &TransportSettings| Ok(|_: Request| async { Ok::<_, Error>(http::Response::new(Body::empty())) });
    /// let suite = Suite::new("my transport", make).lacks("a_103_is_skipped", "it cannot");
    /// assert_eq!(suite.declared(), ["a_103_is_skipped"]);
    /// ```
    #[must_use]
    pub fn declared(&self) -> Vec<&'static str> {
        let names = cases::all().map(|case| case.name);
        names.filter(|name| self.gaps.contains_key(name)).collect()
    }

    /// Runs this case alone, and others that are named like this: for debugging.
    ///
    /// # Panics
    /// When there is no case of that name.
    #[track_caller]
    pub fn only(mut self, case: &str) -> Self {
        self.only.push(known(case));
        self
    }

    /// How long a case may take before it counts as hanging: 20 s.
    ///
    /// A transport that blocks its executor's thread cannot be interrupted, and hangs the suite.
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Runs the cases, a few at a time.
    ///
    /// # Cancel safety
    /// Dropping the future ends the cases and their servers.
    pub async fn run(self) -> Report {
        let chosen = cases::all()
            .filter(|case| self.only.is_empty() || self.only.contains(&case.name))
            .enumerate();
        let common = Arc::default();
        // By reference, and in boxes: this future is as large as one case otherwise for each that is under way.
        let running = chosen.map(|(index, case)| {
            let run = self.run_case(case, &common);
            async move { (index, run.await) }.boxed()
        });
        let mut reports: Vec<_> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
        reports.sort_by_key(|(index, _)| *index);
        Report::new(self.name, reports.into_iter().map(|(_, report)| report).collect())
    }

    async fn run_case(&self, case: Case, common: &Arc<OnceLock<Common>>) -> CaseReport {
        let bench = Bench::new(&self.make, common);
        let started = Instant::now();
        let run = AssertUnwindSafe((case.run)(&bench)).catch_unwind();
        let verdict = match select(run, Delay::new(self.time_limit)).await {
            Either::Left((Ok(verdict), _)) => verdict,
            Either::Left((Err(panic), _)) => Err(Failure(format!("a panic: {}", message(&*panic)))),
            Either::Right(_) => Err(Failure(hangs(self.time_limit, bench.waiting_for()))),
        };
        let failure = verdict.err().map(|failure| failure.0);
        let gap = self.gaps.get(case.name).cloned();
        CaseReport::new(case, started.elapsed(), failure, gap)
    }

    #[track_caller]
    fn declare(mut self, case: &str, gap: Gap) -> Self {
        self.gaps.insert(known(case), gap);
        self
    }
}

/// The name of a case that exists.
#[track_caller]
fn known(name: &str) -> &'static str {
    let found = cases::all().map(|case| case.name).find(|known| *known == name);
    match found {
        Some(name) => name,
        None => panic!("there is no case {name:?}: `Suite::cases` has the names"),
    }
}

fn hangs(limit: Duration, waiting_for: Option<String>) -> String {
    let what = waiting_for.map(|what| format!(", waiting for {what}")).unwrap_or_default();
    format!("it hangs: not over after {limit:?}{what}")
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("name", &self.name)
            .field("gaps", &self.gaps)
            .field("only", &self.only)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}
