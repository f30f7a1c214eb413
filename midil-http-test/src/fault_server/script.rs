//! What a server does with its connections and requests.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::on_connect::OnConnect;
use super::received::Received;
use super::reply::Reply;

/// What a [`FaultServer`](super::FaultServer) answers, request by request.
///
/// A reply, an array of replies and a vector of replies are scripts too. `R` is the kind of the
/// replies: a server of another protocol has one of its own.
///
/// ```
/// use midil_http_test::fault_server::{FaultServer, OnConnect, Reply, Script};
///
/// let script = Script::sequence([Reply::status(503), Reply::ok("hi")])
///     .on_connect([OnConnect::Reset, OnConnect::Serve]);
/// let server = FaultServer::start(script);
/// ```
#[must_use]
#[derive(Debug)]
pub struct Script<R = Reply> {
    on_connect: Vec<OnConnect>,
    source: Source<R>,
}

/// How far a request has arrived when the script is asked for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Head,
    Whole,
}

type Respond<R> = Box<dyn Fn(&Received) -> R + Send + Sync>;

enum Source<R> {
    /// Never empty.
    Sequence(Vec<R>),
    AtHead(Respond<R>),
    AfterBody(Respond<R>),
}

impl<R> Script<R> {
    /// Answers every request with `reply`.
    pub fn always(reply: R) -> Self {
        Self::from_source(Source::Sequence(vec![reply]))
    }

    /// Answers the first request with the first of `replies` and so on, counted over all
    /// connections in the order in which the requests' heads arrive. The last one repeats.
    ///
    /// # Panics
    /// When `replies` is empty.
    pub fn sequence(replies: impl IntoIterator<Item = R>) -> Self {
        let replies = Vec::from_iter(replies);
        assert!(!replies.is_empty(), "a sequence of replies needs at least one reply");
        Self::from_source(Source::Sequence(replies))
    }

    /// Answers each request with what `respond` makes of it, once its body has arrived.
    ///
    /// The server waits for `respond` when it is dropped: it must return. If it panics, the
    /// connection is closed, and the next `wait_…` of the server, or its drop, panics with the same
    /// message: assertions about a request may stand in it.
    ///
    /// ```
    /// use midil_http_test::fault_server::{FaultServer, Reply};
    ///
    /// let echo = FaultServer::respond_with(|request| Reply::ok(request.body()));
    /// ```
    pub fn respond_with(respond: impl Fn(&Received) -> R + Send + Sync + 'static) -> Self {
        Self::from_source(Source::AfterBody(Box::new(respond)))
    }

    /// As [`respond_with`](Self::respond_with), but asked as soon as the head of the request has
    /// arrived: `respond` sees no body, and its reply may leave it unread
    /// ([`Reply::before_body`], [`Reply::stop_reading`]).
    ///
    /// ```
    /// use midil_http_test::fault_server::{FaultServer, Reply, Script};
    ///
    /// let server = FaultServer::start(Script::respond_to_head(|request| {
    ///     match request.header("content-length") {
    ///         Some(length) if length.len() > 6 => Reply::status(413).before_body().close(),
    ///         _ => Reply::ok("thanks"),
    ///     }
    /// }));
    /// ```
    pub fn respond_to_head(respond: impl Fn(&Received) -> R + Send + Sync + 'static) -> Self {
        Self::from_source(Source::AtHead(Box::new(respond)))
    }

    /// Does with the first connection what the first of `fates` says and so on, in the order of
    /// acceptance. The last one repeats; without any, all connections are served.
    pub fn on_connect(mut self, fates: impl IntoIterator<Item = OnConnect>) -> Self {
        self.on_connect = Vec::from_iter(fates);
        self
    }

    fn from_source(source: Source<R>) -> Self {
        Self { on_connect: Vec::new(), source }
    }

    /// The fate of connection number `connection`.
    pub(super) fn fate(&self, connection: usize) -> OnConnect {
        *nth_or_last(&self.on_connect, connection).unwrap_or(&OnConnect::Serve)
    }

    /// The reply to request number `index`, or `None` if the script has none at this stage.
    ///
    /// # Errors
    /// The message of a closure that panicked.
    pub(super) fn reply(
        &self,
        stage: Stage,
        index: usize,
        request: impl FnOnce() -> Option<Received>,
    ) -> Result<Option<Cow<'_, R>>, String>
    where
        R: Clone,
    {
        let respond = match (&self.source, stage) {
            (Source::Sequence(replies), _) => {
                return Ok(nth_or_last(replies, index).map(Cow::Borrowed));
            }
            (Source::AtHead(respond), Stage::Head) | (Source::AfterBody(respond), Stage::Whole) => {
                respond
            }
            _ => return Ok(None),
        };
        let Some(request) = request() else { return Ok(None) };
        match catch_unwind(AssertUnwindSafe(|| respond(&request))) {
            Ok(reply) => Ok(Some(Cow::Owned(reply))),
            Err(panic) => Err(message(panic)),
        }
    }
}

fn nth_or_last<T>(items: &[T], index: usize) -> Option<&T> {
    items.get(index).or(items.last())
}

fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("no message").to_owned(),
    }
}

impl<R> From<R> for Script<R> {
    fn from(reply: R) -> Self {
        Self::always(reply)
    }
}

/// A [sequence](Script::sequence), which must not be empty.
impl<R, const N: usize> From<[R; N]> for Script<R> {
    fn from(replies: [R; N]) -> Self {
        Self::sequence(replies)
    }
}

/// A [sequence](Script::sequence), which must not be empty.
impl<R> From<Vec<R>> for Script<R> {
    fn from(replies: Vec<R>) -> Self {
        Self::sequence(replies)
    }
}

impl<R: fmt::Debug> fmt::Debug for Source<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(replies) => f.debug_tuple("Sequence").field(replies).finish(),
            Self::AtHead(_) => f.write_str("AtHead(closure)"),
            Self::AfterBody(_) => f.write_str("AfterBody(closure)"),
        }
    }
}
