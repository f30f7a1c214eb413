//! [`Clock`]: the time, and who waits for which.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

/// The end of time, which every platform's clocks can tell: a thousand years.
const END: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);

/// The wall clock at the beginning: 2026-01-01T00:00:00Z.
const WALL_START: Duration = Duration::from_secs(1_767_225_600);

/// When a sleep ends, in time since the start, and which it is, in the order of the asking.
pub(super) type TimerKey = (Duration, u64);

pub(super) struct Clock {
    start: Instant,
    elapsed: Duration,
    /// What the wall clock was set to, and when.
    wall: (SystemTime, Duration),
    /// The sleeps that are awaited.
    timers: BTreeMap<TimerKey, Waker>,
    asked: Vec<Duration>,
    completed: Vec<Duration>,
    /// Who waits for sleeps to be awaited.
    watchers: Vec<Waker>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            elapsed: Duration::ZERO,
            wall: (SystemTime::UNIX_EPOCH + WALL_START, Duration::ZERO),
            timers: BTreeMap::new(),
            asked: Vec::new(),
            completed: Vec::new(),
            watchers: Vec::new(),
        }
    }

    pub(super) const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    pub(super) fn now(&self) -> Instant {
        self.start.checked_add(self.elapsed).unwrap_or(self.start)
    }

    pub(super) fn system_time(&self) -> SystemTime {
        let (time, set_at) = self.wall;
        time.checked_add(self.elapsed.saturating_sub(set_at)).unwrap_or(time)
    }

    pub(super) const fn set_system_time(&mut self, time: SystemTime) {
        self.wall = (time, self.elapsed);
    }

    /// The time after `duration`, or the end of all time.
    pub(super) fn after(&self, duration: Duration) -> Duration {
        self.elapsed.saturating_add(duration).min(END)
    }

    /// Notes that a sleep is asked for, and tells when it ends.
    pub(super) fn ask(&mut self, duration: Duration) -> TimerKey {
        let number = u64::try_from(self.asked.len()).unwrap_or(u64::MAX);
        self.asked.push(duration);
        (self.elapsed.saturating_add(duration), number)
    }

    pub(super) fn asked(&self) -> &[Duration] {
        &self.asked
    }

    /// Notes that somebody has slept to the end.
    pub(super) fn complete(&mut self, duration: Duration) {
        self.completed.push(duration);
    }

    pub(super) fn completed(&self) -> &[Duration] {
        &self.completed
    }

    /// Has `waker` woken when the sleep is over. Gives back a waker that is of no use any more, and those who waited for a
    /// sleep to be awaited.
    pub(super) fn arm(&mut self, key: TimerKey, waker: &Waker) -> (Option<Waker>, Vec<Waker>) {
        match self.timers.entry(key) {
            Entry::Occupied(armed) if armed.get().will_wake(waker) => (None, Vec::new()),
            Entry::Occupied(mut armed) => (Some(armed.insert(waker.clone())), Vec::new()),
            Entry::Vacant(vacant) => {
                vacant.insert(waker.clone());
                (None, std::mem::take(&mut self.watchers))
            }
        }
    }

    /// Forgets a sleep that is over or dropped.
    pub(super) fn disarm(&mut self, key: TimerKey) -> Option<Waker> {
        self.timers.remove(&key)
    }

    pub(super) fn timers(&self) -> usize {
        self.timers.len()
    }

    pub(super) fn poll_timers(&mut self, count: usize, waker: &Waker) -> Poll<()> {
        if self.timers.len() >= count {
            return Poll::Ready(());
        }
        if !self.watchers.iter().any(|watcher| watcher.will_wake(waker)) {
            self.watchers.push(waker.clone());
        }
        Poll::Pending
    }

    /// When the next sleep is over.
    pub(super) fn next(&self) -> Option<Duration> {
        let (end, _) = *self.timers.first_key_value()?.0;
        (end <= END).then_some(end)
    }

    /// Moves time, and gives back those whose sleeps are over, in the order of their ends.
    #[must_use]
    pub(super) fn move_to(&mut self, elapsed: Duration) -> Vec<Waker> {
        self.elapsed = elapsed.max(self.elapsed);
        let mut due = Vec::new();
        while let Some(timer) = self.timers.first_entry()
            && timer.key().0 <= self.elapsed
        {
            due.push(timer.remove());
        }
        due
    }
}
