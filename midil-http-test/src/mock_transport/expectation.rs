//! [`Expectation`]: requests of a kind, how many of them, and their replies.

use std::fmt;
use std::sync::Arc;

use super::Shared;
use super::reply::Reply;
use super::request::RecordedRequest;
use super::script::RuleId;

/// What a [`MockTransport`](crate::MockTransport) expects: requests of a kind, how many of them, and their replies.
///
/// Without [`times`](Self::times), as many requests are expected as there are replies; after
/// [`reply_always`](Self::reply_always), as many or more. Once they came, the request fits no more, and goes to what else
/// it fits. What is said to an expectation stays said: there is no need to keep it.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use midil_http_core::HttpClient;
/// use midil_http_test::{MockTransport, Reply};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let mock = MockTransport::new();
/// let login = mock.on(Method::POST, "/token").reply(Reply::ok().body("t0ken"));
/// mock.on(Method::GET, "/users").reply(Reply::status(503)).reply(Reply::ok()).times(3); // 503, 200, 200
///
/// let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com").build()?;
/// client.post("/token").body("who").send().await?;
/// assert_eq!(login.requests()[0].text(), "who");
/// # for _ in 0..3 { client.get("/users").send().await?; }
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct Expectation {
    mock: Arc<Shared>,
    rule: RuleId,
}

#[allow(
    clippy::return_self_not_must_use,
    clippy::must_use_candidate,
    reason = "what it is told stays, kept or not"
)]
impl Expectation {
    pub(super) const fn new(mock: Arc<Shared>, rule: RuleId) -> Self {
        Self { mock, rule }
    }

    /// Adds a reply: one more request is expected.
    pub fn reply(self, reply: Reply) -> Self {
        self.mock.lock().reply(self.rule, reply);
        self
    }

    /// Has `reply` given again and again once the others are.
    pub fn reply_always(self, reply: Reply) -> Self {
        self.mock.lock().reply_always(self.rule, reply);
        self
    }

    /// Expects exactly that many requests; the last reply is given as often as it takes.
    ///
    /// With 0, none may come: the request is an error even where something else fits it.
    pub fn times(self, times: usize) -> Self {
        self.mock.lock().times(self.rule, times);
        self
    }

    /// The requests that were answered as this says, in their order.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.mock.lock().requests(Some(self.rule))
    }

    /// How many requests came, of those that this is about.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.mock.lock().rule(self.rule).came
    }
}

impl fmt::Debug for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.mock.lock();
        let rule = script.rule(self.rule);
        f.debug_struct("Expectation")
            .field("of", &format_args!("{}", rule.matcher))
            .field("came", &rule.came)
            .finish_non_exhaustive()
    }
}
