//! The servers: they do with each request what its call's plan says, and enter it into the ledger.

mod brittle;
mod reply;
mod request;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use midil_http_test::fault_server::{FaultServer, Received, Reply, Script};

use crate::ledger::{Action, Ledger};
use crate::plan::{Call, Plan, Step, To};
use crate::tokens::{Tokens, Worth};

/// The header with the id of the call, and that with the number of its request.
pub(crate) const CALL: &str = "x-soak-call";
pub(crate) const NUMBER: &str = "x-soak-number";
/// The header with the number of the answer: no two are the same.
pub(crate) const SERIAL: &str = "x-soak-serial";

/// Longest of all uploads, and some room.
const BODY_LIMIT: usize = 1 << 20;

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The steady client's own.
    Home,
    /// Another origin, which it allows; no credentials belong here.
    Other,
    /// One that it does not: nothing belongs here.
    Stranger,
    Brittle,
}

/// All servers of a run.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) home: FaultServer,
    pub(crate) other: FaultServer,
    /// Asked for nothing, if all is well.
    stranger: FaultServer,
    pub(crate) brittle: FaultServer,
    pub(crate) token: FaultServer,
}

/// What every server knows.
struct Clerk {
    plan: Plan,
    ledger: Arc<Ledger>,
    tokens: Arc<Tokens>,
    other: String,
    stranger: String,
}

impl Servers {
    pub(crate) fn start(plan: &Plan, ledger: &Arc<Ledger>) -> Self {
        let tokens = Arc::new(Tokens::default());
        let [other, stranger] = [FaultServer::refusing(), FaultServer::refusing()];
        let clerk = Arc::new(Clerk {
            plan: plan.clone(),
            ledger: Arc::clone(ledger),
            tokens: Arc::clone(&tokens),
            other: format!("http://{}", other.address()),
            stranger: format!("http://{}", stranger.address()),
        });
        let script = |place| {
            let clerk = Arc::clone(&clerk);
            Script::respond_with(move |request| clerk.answer(place, request))
        };
        let endpoint = {
            let ledger = Arc::clone(ledger);
            Script::respond_with(move |request| {
                tokens.answer(request).unwrap_or_else(|complaint| {
                    ledger.complain(complaint);
                    Reply::status(400)
                })
            })
        };
        Self {
            home: kept_small(FaultServer::start(script(Place::Home))),
            other: kept_small(other.start(script(Place::Other))),
            stranger: kept_small(stranger.start(script(Place::Stranger))),
            brittle: kept_small(FaultServer::start(script(Place::Brittle))),
            token: kept_small(FaultServer::start(endpoint)),
        }
    }

    /// The connections that clients hold to all of them.
    pub(crate) fn open_connections(&self) -> usize {
        self.all().iter().map(|server| server.open_connections()).sum()
    }

    /// The requests that are being answered.
    pub(crate) fn open_requests(&self) -> usize {
        let open = Cell::new(0);
        for server in self.all() {
            server.wait_until(|seen| {
                open.set(open.get() + seen.open_requests());
                true
            });
        }
        open.get()
    }

    fn all(&self) -> [&FaultServer; 5] {
        [&self.home, &self.other, &self.stranger, &self.brittle, &self.token]
    }
}

fn kept_small(server: FaultServer) -> FaultServer {
    server.keep_requests(0).body_limit(BODY_LIMIT).wait_limit(Duration::from_secs(60))
}

impl Clerk {
    fn answer(&self, place: Place, request: &Received) -> Reply {
        self.try_answer(place, request).unwrap_or_else(|complaint| {
            self.ledger.complain(complaint);
            Reply::status(400)
        })
    }

    /// What the plan says, or a complaint about the request.
    fn try_answer(&self, place: Place, request: &Received) -> Result<Reply, String> {
        let number = |name| request.header(name).and_then(|text| text.parse::<u64>().ok());
        let (Some(id), Some(number)) = (number(CALL), number(NUMBER)) else {
            return Err(format!("{place:?} was sent something that is of no call: {request:?}"));
        };
        let number = usize::try_from(number).map_err(|error| error.to_string())?;
        let call = self.plan.call(id).ok_or_else(|| format!("call {id} is not in the plan"))?;
        let about =
            |complaint: String| format!("{place:?}, request {number}: {complaint}; {call:?}");
        request::check(&call, request).map_err(about)?;
        if place == Place::Stranger {
            return Err(about("nothing may come here".to_owned()));
        }

        if let Some(reply) = self.judge_token(place, &call, number, request).map_err(about)? {
            return Ok(reply);
        }
        let method = request.method();
        let arrive =
            |action| self.ledger.arrived(&call, number, method == call.verb.name(), action);
        if place == Place::Brittle {
            let serial = self.ledger.serial();
            let (action, reply) = brittle::reply(&call, number, serial, self.ledger.quirks());
            arrive(action);
            return Ok(reply);
        }
        let step = *call.step(number);
        Ok(match step {
            Step::Answer | Step::Page | Step::Lose(_) | Step::StallBody => {
                let serial = self.ledger.serial();
                arrive(Action::Answered(serial));
                reply::answer(&call, step, number, serial)
            }
            Step::Refuse(status) | Step::Busy(status, _) => {
                arrive(if status == 429 { Action::TurnedAway } else { Action::Done });
                reply::refuse(&call, step)
            }
            Step::Lead(status, to) => {
                arrive(Action::TurnedAway);
                let origin = match to {
                    To::Same => "",
                    To::Other => &self.other,
                    To::Stranger => &self.stranger,
                };
                reply::lead(&call, status, &format!("{origin}{}", path(id, number + 1)))
            }
            Step::Break(_) | Step::Stall => {
                arrive(Action::Done);
                reply::none(&call, step)
            }
        })
    }

    /// Whether the credentials are those that belong here; a reply when they are not worth anything any more.
    fn judge_token(
        &self,
        place: Place,
        call: &Call,
        number: usize,
        request: &Received,
    ) -> Result<Option<Reply>, String> {
        let is_due = call.with_auth && place != Place::Other;
        let authorization = match request.header("authorization") {
            None if is_due => return Err("it has no credentials".to_owned()),
            Some(_) if !is_due => return Err("its credentials do not belong here".to_owned()),
            None => return Ok(None),
            Some(authorization) => authorization,
        };
        let token = match self.tokens.worth(authorization) {
            Worth::Forged => return Err("its token was never issued".to_owned()),
            Worth::Good(token) if call.revokes && number == 1 => Some(token),
            Worth::Good(_) => return Ok(None),
            Worth::Revoked => None,
        };
        // Once for each call, so that what becomes of it does not depend on the others; and a stream is let pass.
        let exempt = call.upload.is_once() && !call.revokes;
        if exempt || !self.ledger.rejects(call, number) {
            return Ok(None);
        }
        if let Some(token) = token {
            self.tokens.revoke(token);
        }
        Ok(Some(reply::refuse(call, Step::Refuse(401))))
    }
}

/// The path that request number `number` of a call is for.
pub(crate) fn path(id: u64, number: usize) -> String {
    format!("/calls/{id}/{number}")
}
