//! When clients are closed and made anew: often at first and seldom later, so that the last ones grow old.

use std::time::Duration;

use crate::dice::Dice;

/// So many items make a round; at its end nothing is under way.
pub(crate) const ROUND: u64 = 200;

/// What becomes of the clients in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    /// They are closed at this item, amid their calls; whoever comes later has new ones.
    Amid {
        item: u64,
        grace: Duration,
    },
    /// They are closed at the end, when they have nothing to do.
    AtTheEnd,
}

/// In rounds 2, 4, 8, 16… amid their calls, in rounds 3, 6, 12, 24… at the end.
pub(crate) fn change(seed: u64, round: u64) -> Change {
    let mut dice = Dice::new(!seed, round);
    if round >= 2 && round.is_power_of_two() {
        let grace = Duration::from_millis(dice.one_of(&[0, 0, 3, 20, 200]));
        return Change::Amid { item: round * ROUND + 40 + dice.below(ROUND - 50), grace };
    }
    let third = round / 3;
    if round.is_multiple_of(3) && third.is_power_of_two() {
        Change::AtTheEnd
    } else {
        Change::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_grow_old_in_the_end() {
        let changes =
            Vec::from_iter((0..1000).filter(|round| change(7, *round) != Change::Nothing));
        assert_eq!(changes[..8], [2, 3, 4, 6, 8, 12, 16, 24]);
        assert_eq!(changes.last(), Some(&768));
    }
}
