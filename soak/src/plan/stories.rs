//! What kinds of calls there are, and how often.

use std::sync::Arc;

use super::{
    Break, Call, Framing, Item, Lane, Limit, Lose, Patience, Reading, Step, To, Upload, Verb,
};
use crate::dice::Dice;

type Story = fn(&mut Dice, u64) -> Item;

/// Each kind, and its share of all items, in a thousand.
const STORIES: [(u64, Story); 16] = [
    (300, plain),
    (60, refused),
    (120, flaky),
    (50, lost),
    (70, redirected),
    (6, in_circles),
    (25, revoking),
    (15, silent),
    (8, late),
    (100, dropped),
    (3, busy),
    (40, batch),
    (40, pages),
    (13, fresh),
    (40, hedged),
    (110, brittle),
];

pub(super) fn tell(dice: &mut Dice, id: u64) -> Item {
    let mut lot = dice.below(STORIES.iter().map(|(share, _)| share).sum());
    for (share, story) in STORIES {
        match lot.checked_sub(share) {
            Some(rest) => lot = rest,
            None => return story(dice, id),
        }
    }
    plain(dice, id)
}

/// A call of some kind that is answered.
fn any(dice: &mut Dice, id: u64) -> Call {
    let verb = dice.one_of(&[Verb::Get, Verb::Get, Verb::Post, Verb::Post, Verb::Put]);
    let size = size(dice);
    let upload = match verb {
        Verb::Get => Upload::Empty,
        _ => dice.one_of(&[
            Upload::Empty,
            Upload::Bytes(size),
            Upload::Bytes(size),
            Upload::Json,
            Upload::Form(size),
            Upload::Replayable(size),
            Upload::Once(size),
            Upload::OnceSized(size),
        ]),
    };
    let framings = [Framing::Length, Framing::Length, Framing::Chunked, Framing::Interim];
    Call {
        id,
        lane: Lane::Steady,
        verb,
        keyed: verb == Verb::Post && dice.once_in(3),
        with_auth: !dice.once_in(5),
        upload,
        steps: Arc::from([Step::Answer]),
        revokes: false,
        download: self::size(dice),
        framing: match dice.below(20) {
            0 => Framing::LastOfConnection,
            1 => Framing::Slow,
            _ => dice.one_of(&framings),
        },
        reading: dice.one_of(&[
            Reading::Whole,
            Reading::Whole,
            Reading::Whole,
            Reading::Chunks,
            Reading::OneChunk,
            Reading::Nothing,
        ]),
        limit: Limit::Client,
        patience: Patience::Endless,
    }
}

/// Small, as a rule.
fn size(dice: &mut Dice) -> usize {
    let most = match dice.below(100) {
        0 => 400_000,
        1..=10 => 70_000,
        _ => 2_000,
    };
    usize::try_from(1 + dice.below(most)).expect("small")
}

fn with_steps(mut call: Call, steps: Vec<Step>) -> Call {
    call.steps = steps.into();
    call
}

fn plain(dice: &mut Dice, id: u64) -> Item {
    Item::One(any(dice, id))
}

fn refused(dice: &mut Dice, id: u64) -> Item {
    let status = dice.one_of(&[400, 403, 404, 409, 410, 422, 501, 505]);
    Item::One(with_steps(any(dice, id), vec![Step::Refuse(status)]))
}

/// Something that is worth a retry.
fn fault(dice: &mut Dice) -> Step {
    match dice.below(10) {
        0..=3 => Step::Refuse(dice.one_of(&[408, 425, 500, 502, 503, 504])),
        4 => Step::Busy(dice.one_of(&[429, 503]), 0),
        _ => {
            Step::Break(dice.one_of(&[Break::Close, Break::Reset, Break::Garbage, Break::CutHead]))
        }
    }
}

/// One to four faults: the last is one too many.
fn flaky(dice: &mut Dice, id: u64) -> Item {
    let count = dice.one_of(&[1, 1, 1, 2, 2, 3, 4]);
    let mut steps: Vec<Step> = (0..count).map(|_| fault(dice)).collect();
    steps.push(Step::Answer);
    Item::One(with_steps(any(dice, id), steps))
}

fn lost(dice: &mut Dice, id: u64) -> Item {
    let mut steps = Vec::new();
    if dice.once_in(4) {
        steps.push(fault(dice));
    }
    steps.push(Step::Lose(dice.one_of(&[Lose::Short, Lose::NoEnd, Lose::BadChunk])));
    let call = with_steps(any(dice, id), steps);
    Item::One(Call { reading: dice.one_of(&[Reading::Whole, Reading::Chunks]), ..call })
}

fn redirected(dice: &mut Dice, id: u64) -> Item {
    let status = |dice: &mut Dice| dice.one_of(&[301, 302, 303, 307, 308]);
    let mut steps = Vec::new();
    for _ in 0..dice.below(4) {
        if dice.once_in(4) {
            steps.push(fault(dice));
        }
        steps.push(Step::Lead(status(dice), To::Same));
    }
    if steps.is_empty() || dice.once_in(2) {
        steps.push(Step::Lead(status(dice), dice.one_of(&[To::Other, To::Other, To::Stranger])));
        if dice.once_in(4) {
            steps.push(fault(dice));
        }
    }
    steps.push(Step::Answer);
    Item::One(with_steps(any(dice, id), steps))
}

fn in_circles(dice: &mut Dice, id: u64) -> Item {
    let status = dice.one_of(&[302, 303, 307]);
    Item::One(with_steps(any(dice, id), vec![Step::Lead(status, To::Same)]))
}

fn revoking(dice: &mut Dice, id: u64) -> Item {
    Item::One(Call { with_auth: true, revokes: true, ..any(dice, id) })
}

/// Each request of it times out.
fn silent(dice: &mut Dice, id: u64) -> Item {
    let limit = dice.one_of(&[Limit::Progress, Limit::Attempt, Limit::Total]);
    let step = dice.one_of(&[Step::Stall, Step::StallBody]);
    let call = with_steps(any(dice, id), vec![step]);
    Item::One(Call { limit, reading: Reading::Whole, with_auth: false, ..call })
}

/// Its first request times out, and perhaps the others.
fn late(dice: &mut Dice, id: u64) -> Item {
    let call = with_steps(any(dice, id), vec![Step::Stall, Step::Answer]);
    Item::One(Call { limit: dice.one_of(&[Limit::Progress, Limit::Attempt]), ..call })
}

fn dropped(dice: &mut Dice, id: u64) -> Item {
    let steps = match dice.below(4) {
        0 => vec![dice.one_of(&[Step::Stall, Step::StallBody])],
        1 => vec![fault(dice), fault(dice), Step::Answer],
        2 => vec![Step::Lead(307, To::Same), Step::Lead(302, To::Other), Step::Answer],
        _ => vec![Step::Answer],
    };
    let endless = steps.iter().any(|step| matches!(step, Step::Stall | Step::StallBody));
    let patience = if endless || dice.once_in(2) {
        Patience::Microseconds(dice.below(20_000))
    } else {
        Patience::Polls(dice.below(60))
    };
    Item::One(Call { patience, ..with_steps(any(dice, id), steps) })
}

fn busy(dice: &mut Dice, id: u64) -> Item {
    let steps = vec![Step::Busy(dice.one_of(&[429, 503]), 1), Step::Answer];
    Item::One(with_steps(any(dice, id), steps))
}

fn batch(dice: &mut Dice, id: u64) -> Item {
    let calls = (0..2 + dice.below(7)).map(|number| match any(dice, id + number) {
        call if dice.once_in(5) => with_steps(call, vec![fault(dice), Step::Answer]),
        call => call,
    });
    Item::Batch(calls.collect())
}

fn pages(dice: &mut Dice, id: u64) -> Item {
    let mut steps = Vec::new();
    for _ in 0..dice.below(4) {
        if dice.once_in(4) {
            steps.push(fault(dice));
        }
        steps.push(Step::Page);
    }
    steps.push(Step::Answer);
    let call = with_steps(any(dice, id), steps);
    Item::Pages(Call {
        verb: Verb::Get,
        keyed: false,
        upload: Upload::Empty,
        reading: Reading::Whole,
        ..call
    })
}

fn fresh(dice: &mut Dice, id: u64) -> Item {
    Item::Fresh { call: any(dice, id), close: dice.once_in(2) }
}

fn hedged(dice: &mut Dice, id: u64) -> Item {
    let framing = dice.one_of(&[Framing::Length, Framing::Chunked, Framing::Slow]);
    let call = Call { lane: Lane::Hedged, verb: Verb::Get, keyed: false, framing, ..any(dice, id) };
    Item::One(Call { upload: Upload::Empty, ..call })
}

fn brittle(dice: &mut Dice, id: u64) -> Item {
    let call = Call { lane: Lane::Brittle, with_auth: true, ..any(dice, id) };
    Item::One(call)
}
