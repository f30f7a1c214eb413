//! [`Latencies`]: how long the calls of late took.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

/// How many calls are remembered.
pub(super) const SAMPLES: usize = 512;
/// The percentile is looked for anew when so many calls came in.
const EVERY: u64 = 32;

/// A percentile of the latest latencies, lock-free.
///
/// They lie in a ring, and every now and then whoever adds one finds the percentile among them, exactly; whoever asks for it
/// reads one word. A place that somebody is about to write to holds what it held.
#[derive(Debug)]
pub(super) struct Latencies {
    /// In microseconds; 0 for none.
    ring: Box<[AtomicU32; SAMPLES]>,
    /// How many there were in all.
    count: AtomicU64,
    /// The percentile, in microseconds; 0 as long as it is not known.
    found: AtomicU32,
}

/// Which percentile, and of how many latencies at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percentile {
    /// In millionths.
    pub(super) part: u64,
    pub(super) minimum_samples: u64,
}

impl Latencies {
    pub(super) fn new() -> Self {
        let ring = Box::new([const { AtomicU32::new(0) }; SAMPLES]);
        Self { ring, count: AtomicU64::new(0), found: AtomicU32::new(0) }
    }

    /// Adds one, in the place of the oldest.
    pub(super) fn record(&self, percentile: Percentile, latency: Duration) {
        let micros = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX).max(1);
        let before = self.count.fetch_add(1, Relaxed);
        let place = usize::try_from(before).unwrap_or_default() % SAMPLES;
        if let Some(place) = self.ring.get(place) {
            place.store(micros, Relaxed);
        }
        let count = before + 1;
        let minimum = percentile.minimum_samples;
        if count == minimum || (count > minimum && count.is_multiple_of(EVERY)) {
            self.found.store(self.find(percentile.part), Relaxed);
        }
    }

    /// The percentile, as soon as there are enough.
    pub(super) fn percentile(&self) -> Option<Duration> {
        let micros = self.found.load(Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros.into()))
    }

    /// How many there are, up to what is remembered.
    pub(super) fn samples(&self) -> usize {
        usize::try_from(self.count.load(Relaxed)).unwrap_or(usize::MAX).min(SAMPLES)
    }

    /// The least latency that so many millionths of all do not exceed.
    #[cold]
    fn find(&self, part: u64) -> u32 {
        let mut known = [0; SAMPLES];
        let mut length = 0;
        for (place, known) in self.ring.iter().zip(&mut known) {
            *known = place.load(Relaxed);
            // The ring fills from its beginning.
            length += usize::from(*known > 0);
        }
        let rank = u64::try_from(length).unwrap_or_default().saturating_mul(part);
        let rank = usize::try_from(rank.div_ceil(1_000_000)).unwrap_or(usize::MAX);
        let unknown = SAMPLES - length;
        let index = unknown.saturating_add(rank.saturating_sub(1)).min(SAMPLES - 1);
        *known.select_nth_unstable(index).1
    }
}
