//! [`Measure`]: what became of the calls, tenth of a second by tenth of a second.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fleet::index;

/// The part of the calls of a second that succeeds, in a normal one.
const NORMAL_SUCCESS: f64 = 0.99;
/// The most attempts per call, in a normal one.
const NORMAL_ATTEMPTS: f64 = 1.05;

/// What happened in each tenth of a second, shared by clones.
#[derive(Clone)]
pub(crate) struct Measure(Arc<Mutex<Vec<Tenth>>>);

#[derive(Debug, Clone, Copy, Default)]
struct Tenth {
    /// Calls that began in it.
    begun: u32,
    /// Those among them that succeeded, whenever.
    begun_well: u32,
    /// Calls that ended in it.
    ended: u32,
    /// Those among them that succeeded.
    ended_well: u32,
    /// Attempts that were sent in it.
    attempts: u32,
}

impl Measure {
    pub(crate) fn new(seconds: u32) -> Self {
        Self(Arc::new(Mutex::new(vec![Tenth::default(); index(seconds * 10)])))
    }

    /// A call begins.
    pub(crate) fn begin(&self, now: Duration) {
        self.at(now, |tenth| tenth.begun += 1);
    }

    /// An attempt reaches the server.
    pub(crate) fn attempt(&self, now: Duration) {
        self.at(now, |tenth| tenth.attempts += 1);
    }

    /// A call ends.
    pub(crate) fn end(&self, begun: Duration, now: Duration, succeeded: bool) {
        let succeeded = u32::from(succeeded);
        self.at(begun, |tenth| tenth.begun_well += succeeded);
        self.at(now, |tenth| {
            tenth.ended += 1;
            tenth.ended_well += succeeded;
        });
    }

    fn at(&self, time: Duration, note: impl FnOnce(&mut Tenth)) {
        let tenth = usize::try_from(time.as_millis() / 100).unwrap_or(usize::MAX);
        if let Some(tenth) = self.tenths().get_mut(tenth) {
            note(tenth);
        }
    }

    fn tenths(&self) -> MutexGuard<'_, Vec<Tenth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened from the one to the other tenth of a second.
    fn sum(&self, tenths: Range<u32>) -> Tenth {
        let all = self.tenths();
        let range = index(tenths.start)..index(tenths.end).min(all.len());
        all[range].iter().fold(Tenth::default(), |sum, tenth| Tenth {
            begun: sum.begun + tenth.begun,
            begun_well: sum.begun_well + tenth.begun_well,
            ended: sum.ended + tenth.ended,
            ended_well: sum.ended_well + tenth.ended_well,
            attempts: sum.attempts + tenth.attempts,
        })
    }

    pub(crate) fn calls(&self) -> u64 {
        self.tenths().iter().map(|tenth| u64::from(tenth.begun)).sum()
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.tenths().iter().map(|tenth| u64::from(tenth.attempts)).sum()
    }

    /// Attempts sent in these seconds per call begun in them.
    pub(crate) fn attempts_per_call(&self, seconds: Range<u32>) -> f64 {
        self.sum(tenths(seconds)).attempts_per_call()
    }

    /// The part of the calls begun in these seconds that succeeded.
    pub(crate) fn success(&self, seconds: Range<u32>) -> f64 {
        let sum = self.sum(tenths(seconds));
        part(sum.begun_well, sum.begun)
    }

    /// How long after that second everything was normal again; `None` if it never was.
    ///
    /// A second is normal when at least 99 % of the calls that end in it succeed, and no more than 1.05 attempts are
    /// sent in it for each call that begins. All is normal from the first tenth of a second on that begins a normal
    /// second, and after which all seconds are normal.
    pub(crate) fn normal_after(&self, second: u32) -> Option<Duration> {
        let normal = (second * 10..=self.len() - 10)
            .rev()
            .take_while(|tenth| self.is_normal(*tenth))
            .last()?;
        Some(Duration::from_millis(100) * (normal - second * 10))
    }

    /// Attempts per second over time, so many tenths of a second at once: the second in whose middle, and how many.
    pub(crate) fn attempts_over_time(&self, step: u32) -> Vec<(f64, f64)> {
        let per_second = 10.0 / f64::from(step);
        self.over_time(step, |some| f64::from(some.attempts) * per_second)
    }

    /// The part of the calls that succeed, over the time when they begin.
    pub(crate) fn success_over_time(&self, step: u32) -> Vec<(f64, f64)> {
        self.over_time(step, |some| part(some.begun_well, some.begun))
    }

    fn over_time(&self, step: u32, what: impl Fn(Tenth) -> f64) -> Vec<(f64, f64)> {
        let last = self.len() - step;
        let starts = (0..=last).step_by(index(step));
        let middle = |start| (f64::from(start) + f64::from(step) / 2.0) / 10.0;
        starts.map(|start| (middle(start), what(self.sum(start..start + step)))).collect()
    }

    /// In tenths of a second.
    fn len(&self) -> u32 {
        u32::try_from(self.tenths().len()).unwrap_or(u32::MAX)
    }

    fn is_normal(&self, tenth: u32) -> bool {
        let second = self.sum(tenth..tenth + 10);
        part(second.ended_well, second.ended) >= NORMAL_SUCCESS
            && second.attempts_per_call() <= NORMAL_ATTEMPTS
    }
}

impl Tenth {
    fn attempts_per_call(self) -> f64 {
        part(self.attempts, self.begun)
    }
}

const fn tenths(seconds: Range<u32>) -> Range<u32> {
    seconds.start * 10..seconds.end * 10
}

fn part(some: u32, all: u32) -> f64 {
    f64::from(some) / f64::from(all.max(1))
}
