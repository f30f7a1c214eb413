//! [`Seen`]: which pages were asked for already.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::PageCursor;
use crate::Request;

/// How many of the last pages are remembered: at some 50 bytes each, 3 MiB at most.
const REMEMBERED: usize = 65_536;

/// Which pages were asked for already, as keyed hashes of 64 bits.
///
/// The last 65 536 are remembered, and one before them: that of a number which is a power of two, and so, in the end, one
/// within any circle (Brent's algorithm). A circle of any length is found, and memory is bounded. Two different pages are
/// taken for one with a probability of 1 in 10¹⁴ per page.
pub(super) struct Seen {
    hasher: RandomState,
    numbers: HashMap<u64, u64>,
    order: VecDeque<u64>,
    landmark: Option<u64>,
    count: u64,
    remembered: usize,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            numbers: HashMap::new(),
            order: VecDeque::new(),
            landmark: None,
            count: 0,
            remembered: REMEMBERED,
        }
    }

    /// Notes a page; fails when it was asked for already, with its number (from 1) where that is remembered.
    pub(super) fn note(
        &mut self,
        request: &Request,
        cursor: &PageCursor,
    ) -> Result<(), Option<u64>> {
        let json: Vec<_> = cursor.json.iter().map(|(at, value)| (at, value.to_string())).collect();
        self.note_key(self.hasher.hash_one((request.url().as_str(), &cursor.headers, json)))
    }

    fn note_key(&mut self, key: u64) -> Result<(), Option<u64>> {
        if let Some(number) = self.numbers.get(&key) {
            return Err(Some(*number));
        }
        if self.landmark == Some(key) {
            return Err(None);
        }
        self.count = self.count.saturating_add(1);
        if self.count.is_power_of_two() {
            self.landmark = Some(key);
        }
        if self.order.len() >= self.remembered
            && let Some(oldest) = self.order.pop_front()
        {
            self.numbers.remove(&oldest);
        }
        self.order.push_back(key);
        self.numbers.insert(key, self.count);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages there are until a circle is found, when `lead` pages come before one of `length`.
    fn pages_until_found(remembered: usize, lead: u64, length: u64) -> u64 {
        let mut seen = Seen { remembered, ..Seen::new() };
        let page = |step: u64| if step < lead { step } else { lead + (step - lead) % length };
        (0..).find(|step| seen.note_key(page(*step)).is_err()).unwrap()
    }

    #[test]
    fn a_circle_that_is_remembered_is_found_at_its_first_repetition() {
        for (lead, length) in [(0, 1), (0, 2), (3, 1), (5, 7), (0, 100)] {
            assert_eq!(pages_until_found(100, lead, length), lead + length);
        }
    }

    #[test]
    fn a_circle_that_is_longer_is_found_too_and_memory_is_bounded() {
        for (lead, length) in [(0, 11), (1000, 11), (7, 1000), (1000, 999)] {
            let pages = pages_until_found(10, lead, length);
            assert!(pages <= 4 * (lead + length), "{lead} and {length}: {pages}");
        }
        let mut seen = Seen { remembered: 10, ..Seen::new() };
        assert!((0..10_000).all(|key| seen.note_key(key).is_ok()));
        assert_eq!((seen.numbers.len(), seen.order.len()), (10, 10));
    }
}
