//! The other side: a token endpoint, and an API that is flaky and limits its callers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use midil_http_test::fault_server::{FaultServer, Received, Reply};

/// How many requests for reports the API takes in a second.
pub(crate) const LIMIT: u32 = 10;

/// Both servers, and what they know together.
pub(crate) struct Servers {
    authority: FaultServer,
    api: FaultServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Every token that was issued; the API takes the last one, unless it was revoked.
    issued: Vec<String>,
    revoked: usize,
    /// Requests to the API by what they asked for, those without a good token excepted.
    asked: HashMap<String, u32>,
    /// The second that is being counted, and the requests in it.
    window: Option<(Instant, u32)>,
    limited: HashMap<String, Instant>,
    seen: Seen,
}

/// What the servers counted.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) token_requests: usize,
    pub(crate) api_requests: usize,
    pub(crate) connections: usize,
    /// Requests to the API with the first token, the second, and so on.
    pub(crate) with_token: Vec<u32>,
    pub(crate) rejected: u32,
    pub(crate) limited: u32,
    /// How soon the first of the limited callers was back.
    pub(crate) earliest_return: Option<Duration>,
    /// The 503 and the reset that reports were answered with.
    pub(crate) faults: u32,
    pub(crate) plain_posts: u32,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (for_authority, for_api) = (Arc::clone(&state), Arc::clone(&state));
        Self {
            authority: FaultServer::respond_with(move |_| {
                // Authorities are slow: all callers are there before the token is.
                std::thread::sleep(Duration::from_millis(150));
                lock(&for_authority).issue()
            }),
            api: FaultServer::respond_with(move |request| lock(&for_api).answer(request)),
            state,
        }
    }

    pub(crate) fn token_url(&self) -> String {
        format!("{}/oauth2/token", self.authority.url())
    }

    pub(crate) fn api_url(&self) -> String {
        self.api.url()
    }

    pub(crate) fn token_requests(&self) -> usize {
        self.authority.request_count()
    }

    /// From now on the API rejects every token that was issued.
    pub(crate) fn revoke_token(&self) {
        let mut state = lock(&self.state);
        state.revoked = state.issued.len();
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen {
            token_requests: self.authority.request_count(),
            api_requests: self.api.request_count(),
            connections: self.api.connections(),
            ..lock(&self.state).seen.clone()
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn issue(&mut self) -> Reply {
        let token = format!("{:016x}", unguessable(self.issued.len()));
        let answer =
            format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600}}"#);
        self.issued.push(token);
        self.seen.with_token.push(0);
        json(&answer)
    }

    fn answer(&mut self, request: &Received) -> Reply {
        let bearer = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        let Some(generation) = self.issued.iter().position(|token| Some(&**token) == bearer) else {
            self.seen.rejected += 1;
            return Reply::status(401);
        };
        self.seen.with_token[generation] += 1;
        if generation < self.revoked {
            self.seen.rejected += 1;
            return Reply::status(401)
                .header("www-authenticate", r#"Bearer error="invalid_token""#);
        }
        let path = request.target();
        if path.starts_with("/reports/") && !self.admit(path) {
            self.seen.limited += 1;
            return Reply::status(429).header("retry-after", "1");
        }
        let key = request.header("idempotency-key").unwrap_or_default();
        let count = self.asked.entry(format!("{} {path} {key}", request.method())).or_default();
        *count += 1;
        self.seen.plain_posts += u32::from(request.method() == "POST" && key.is_empty());
        match (request.method(), path, *count) {
            ("GET", "/patience", _) => Reply::status(503).header("retry-after", "3600"),
            ("GET", "/reports/3", 1) => {
                self.seen.faults += 1;
                Reply::status(503)
            }
            ("GET", "/reports/5", 1) => {
                self.seen.faults += 1;
                Reply::reset_before_head()
            }
            ("POST", _, 1) => Reply::status(503),
            ("POST", ..) => json(r#"{"order":17}"#),
            ("GET", "/orders", _) => json(r#"{"orders":[]}"#),
            _ => json(&format!(r#"{{"report":{}}}"#, path.trim_start_matches("/reports/"))),
        }
    }

    /// Whether this second has room for one request more.
    fn admit(&mut self, path: &str) -> bool {
        if let Some(refused) = self.limited.remove(path) {
            let away = refused.elapsed();
            let earliest = self.seen.earliest_return.get_or_insert(away);
            *earliest = away.min(*earliest);
        }
        let now = Instant::now();
        let window = self
            .window
            .filter(|(began, _)| now.duration_since(*began) < Duration::from_secs(1))
            .unwrap_or((now, 0));
        self.window = Some((window.0, window.1 + 1));
        let admitted = window.1 < LIMIT;
        if !admitted {
            self.limited.insert(path.to_owned(), now);
        }
        admitted
    }
}

/// Enough of a token for an example.
fn unguessable(number: usize) -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(number)
}

fn json(text: &str) -> Reply {
    Reply::ok(text).header("content-type", "application/json")
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  token requests {:>4}", self.token_requests)?;
        let tokens =
            (1..).zip(&self.with_token).map(|(n, count)| format!("{count} with token {n}"));
        writeln!(
            f,
            "  API requests   {:>4}   {}; {} connections",
            self.api_requests,
            tokens.collect::<Vec<_>>().join(", "),
            self.connections
        )?;
        writeln!(f, "  401 sent       {:>4}", self.rejected)?;
        write!(f, "  429 sent       {:>4}", self.limited)?;
        match self.earliest_return {
            Some(away) => writeln!(f, "   none was back before {:.2} s", away.as_secs_f64()),
            None => writeln!(f),
        }
    }
}
