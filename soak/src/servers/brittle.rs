//! A server with outages, whose connections are not what they seem.

use midil_http_test::fault_server::{Cut, Reply};

use super::{CALL, SERIAL, reply};
use crate::content;
use crate::dice::Dice;
use crate::ledger::{Action, Quirks};
use crate::plan::{Call, Plan, Step};

/// So many items, one after the other, have an outage or none.
const SPELL: u64 = 150;

pub(super) fn reply(call: &Call, number: usize, serial: u64, quirks: Quirks) -> (Action, Reply) {
    let lot = Dice::new(call.id, u64::try_from(number).expect("64 bits")).below(100);
    let is_down = (Plan::index_of(call.id) / SPELL) % 3 == 2;
    if is_down && lot < 90 {
        return (Action::Done, reply::refuse(call, Step::Refuse(503)));
    }
    let bytes = content::bytes(call.id, call.download);
    let half = call.download / 2;
    let surplus = || {
        let stolen = b"HTTP/1.1 200 OK\r\nx-soak-call: 0\r\ncontent-length: 6\r\n\r\nstolen";
        [&bytes, &stolen[..]].concat()
    };
    let reply = match lot {
        0..=3 => Reply::ok(bytes).close_silently(),
        4..=7 => Reply::ok(bytes).half_close(),
        8..=11 => Reply::ok(bytes).close_at_next_request(),
        12..=14 if !quirks.takes_surplus => {
            Reply::ok(surplus()).content_length(u64::try_from(call.download).expect("64 bits"))
        }
        15..=17 => Reply::ok(bytes).cut_body_after(half, Cut::Reset),
        18 => return (Action::TurnedAway, reply::refuse(call, Step::Busy(429, 0))),
        19..=21 => return (Action::Done, reply::refuse(call, Step::Refuse(500))),
        22 => return (Action::Done, Reply::reset_before_head()),
        _ => reply::framed(call, bytes),
    };
    let reply = reply.header(CALL, call.id.to_string()).header(SERIAL, serial.to_string());
    (Action::Answered(serial), reply)
}
