use std::collections::HashSet;

use super::*;
use crate::model;

const PLAN: Plan = Plan { seed: 7 };

#[test]
fn a_plan_is_a_function_of_its_seed() {
    let items = |seed| Vec::from_iter((0..500).map(|index| Plan { seed }.item(index)));
    assert_eq!(items(7), items(7));
    assert_ne!(items(7), items(8));
}

#[test]
fn a_call_is_found_by_its_id() {
    for index in 0..500 {
        for call in PLAN.item(index).calls() {
            assert_eq!(PLAN.call(call.id).as_ref(), Some(call));
            assert_eq!(Plan::index_of(call.id), index);
        }
    }
    assert_eq!(PLAN.call(5), None, "the first item is one call");
}

#[test]
fn everything_is_in_the_plan() {
    let items = Vec::from_iter((0..3_000).map(|index| PLAN.item(index)));
    let calls = Vec::from_iter(items.iter().flat_map(Item::calls));
    let names = |name: fn(&Call) -> String| {
        HashSet::<String>::from_iter(calls.iter().map(|call| name(call)))
    };
    assert_eq!(names(|call| format!("{:?}", call.lane)).len(), 3);
    assert_eq!(names(|call| format!("{:?}", call.framing)).len(), 5);
    assert_eq!(names(|call| format!("{:?}", call.reading)).len(), 4);
    assert_eq!(names(|call| format!("{:?}", call.limit)).len(), 4);
    let uploads = names(|call| format!("{:?}", call.upload).replace(char::is_numeric, ""));
    assert_eq!(uploads.len(), 7);
    let steps = calls.iter().flat_map(|call| call.steps.iter());
    let steps = HashSet::<String>::from_iter(
        steps.map(|step| format!("{step:?}").replace(char::is_numeric, "")),
    );
    // Answer, Page, Refuse, Busy, four breaks, three losses, two stalls, three ways to lead.
    assert_eq!(steps.len(), 16, "{steps:?}");
}

#[test]
fn most_of_what_becomes_of_calls_follows_from_the_plan() {
    let items = Vec::from_iter((0..1_000).map(|index| PLAN.item(index)));
    let count = |determined: bool| {
        let calls = items.iter().flat_map(|item| item.calls().iter().map(move |call| (item, call)));
        calls.filter(|(item, call)| model::expected(item, call).is_some() == determined).count()
    };
    assert!(count(true) > 3 * count(false), "{} of {}", count(true), count(false));
}
