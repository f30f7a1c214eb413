//! [`Circuits`]: one for each key.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU8, AtomicU64};

use arc_swap::ArcSwapOption;

use super::change::StateChangeReason;
use super::circuit::{Change, Circuit};
use super::state::Phase;
use crate::table::Table;

/// The circuits of all keys, found without a lock; at most 512.
///
/// Which key a circuit is for is written on it: where two have the same place in the table, the other's is replaced. What
/// is under way holds on to its own.
pub(super) struct Circuits {
    table: Table<ArcSwapOption<Circuit>>,
    born: AtomicU64,
    initial: AtomicU8,
}

impl Circuits {
    pub(super) fn new() -> Self {
        let initial = AtomicU8::new(Initial::Closed.code());
        Self { table: Table::new(), born: AtomicU64::new(0), initial }
    }

    /// The circuit of a key, if it has one.
    pub(super) fn find(&self, key: &str) -> Option<Arc<Circuit>> {
        of(self.table.find(self.table.owner(key))?, key)
    }

    /// The circuit of a key, which has one from now on.
    pub(super) fn find_or_make(&self, key: &str) -> Arc<Circuit> {
        let owner = self.table.owner(key);
        match self.table.find(owner).and_then(|place| of(place, key)) {
            Some(circuit) => circuit,
            None => self.make(key),
        }
    }

    #[cold]
    fn make(&self, key: &str) -> Arc<Circuit> {
        // A place whose owner has yet to put a circuit there is taken.
        let worth = |place: &ArcSwapOption<Circuit>| {
            let circuit = place.load();
            circuit.as_ref().map_or((1, u64::MAX), |circuit| circuit.worth(self.initial().phase()))
        };
        loop {
            let place = self.table.find_or_make(self.table.owner(key), worth, |_| {});
            let found = place.load();
            if let Some(circuit) = found.as_ref().filter(|circuit| **circuit.key() == *key) {
                return Arc::clone(circuit);
            }
            let initial = self.initial();
            let born = self.born.fetch_add(1, Relaxed);
            let fresh = Arc::new(Circuit::new(key.into(), born, initial.phase()));
            let before = place.compare_and_swap(&*found, Some(Arc::clone(&fresh)));
            if is_same(before.as_ref(), found.as_ref()) {
                // Who forces all circuits sets the state of those to come, then goes through those that are there: this
                // one may have been neither.
                let changed = self.initial();
                if changed != initial {
                    fresh.force(changed.phase(), StateChangeReason::Forced);
                }
                return fresh;
            }
        }
    }

    /// All there are.
    pub(super) fn iter(&self) -> impl Iterator<Item = Arc<Circuit>> {
        self.table.iter().filter_map(ArcSwapOption::load_full)
    }

    /// What a key without a circuit would get.
    pub(super) fn initial(&self) -> Initial {
        Initial::from_code(self.initial.load(SeqCst))
    }

    /// Puts all circuits into a phase, those to come as well; `tell` is told of each that changes.
    pub(super) fn force_all(
        &self,
        initial: Initial,
        reason: StateChangeReason,
        tell: impl Fn(&Circuit, Change),
    ) {
        self.initial.store(initial.code(), SeqCst);
        for circuit in self.iter() {
            if let Some(change) = circuit.force(initial.phase(), reason) {
                tell(&circuit, change);
            }
        }
    }
}

/// How circuits begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Initial {
    Closed,
    ForcedOpen,
    ForcedClosed,
}

impl Initial {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Closed => Phase::Closed { failures: 0 },
            Self::ForcedOpen => Phase::ForcedOpen,
            Self::ForcedClosed => Phase::ForcedClosed,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::ForcedOpen => 1,
            Self::ForcedClosed => 2,
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::ForcedOpen,
            2 => Self::ForcedClosed,
            _ => Self::Closed,
        }
    }
}

/// The circuit in that place, if it is that of the key.
fn of(place: &ArcSwapOption<Circuit>, key: &str) -> Option<Arc<Circuit>> {
    place.load().as_ref().filter(|circuit| **circuit.key() == *key).cloned()
}

fn is_same(one: Option<&Arc<Circuit>>, other: Option<&Arc<Circuit>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
