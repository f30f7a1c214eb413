//! [`Event`]: what an observer is told.

mod call;
mod guards;
mod request;
mod retry;
mod token;

pub use call::{BodyEnd, CallClosed, CallEnded, CallStarted};
pub use guards::{CircuitChanged, HedgeSent, HedgeWon, QueueEnded, QueueOutcome};
pub use request::{RequestClosed, RequestEnded, RequestStarted};
pub use retry::{RetryGivenUp, RetryScheduled};
pub use token::{TokenFetched, TokenUsed};

/// Something that happened. There will be more kinds.
///
/// # Examples
///
/// ```
/// use midil_http_core::{BodyEnd, CircuitChanged, Event, HedgeSent, HedgeWon, Request};
///
/// fn line(event: &Event<'_>) -> Option<String> {
///     Some(match event {
///         Event::CallClosed(call) => match call.body {
///             Some(BodyEnd::Failed(error)) => format!("a body broke off: {error}"),
///             _ => return None,
///         },
///         Event::CircuitChanged(circuit) => format!("{}: {} → {}", circuit.key, circuit.from, circuit.to),
///         Event::HedgeSent(hedge) => format!("{} is slow", hedge.target.address()),
///         Event::HedgeWon(hedge) => format!("{} was quicker, the second time", hedge.target.address()),
///         _ => return None,
///     })
/// }
///
/// // Middleware that does such things makes the events, and tells them by `Next::observer`.
/// let opened = CircuitChanged::new("https://api.example.com", "closed", "open");
/// assert_eq!(line(&Event::CircuitChanged(opened)).unwrap(), "https://api.example.com: closed → open");
/// let request = Request::get("https://api.example.com/users")?;
/// assert_eq!(line(&Event::HedgeSent(HedgeSent::new(request.head()))).unwrap(), "api.example.com is slow");
/// assert!(line(&Event::HedgeWon(HedgeWon::new(request.head()))).is_some());
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A call began.
    CallStarted(CallStarted<'a>),
    /// A call came to a response, to an error, or to nothing: exactly once for each that began.
    CallEnded(CallEnded<'a>),
    /// Nothing of a call is held any more, its body has ended or was dropped: exactly once, after the end.
    CallClosed(CallClosed<'a>),
    /// A request goes out.
    RequestStarted(RequestStarted<'a>),
    /// A request came to a response, to an error, or to nothing: exactly once for each that began.
    RequestEnded(RequestEnded<'a>),
    /// The body of a request's response has ended or was dropped: exactly once, after the end.
    RequestClosed(RequestClosed<'a>),
    /// An attempt will be followed by another.
    RetryScheduled(RetryScheduled<'a>),
    /// An outcome was worth a retry, but there is none.
    RetryGivenUp(RetryGivenUp<'a>),
    /// A call no longer waits for a limit of the client's own.
    QueueEnded(QueueEnded<'a>),
    /// A circuit breaker changed its state.
    CircuitChanged(CircuitChanged<'a>),
    /// A request that took long was sent once more.
    HedgeSent(HedgeSent<'a>),
    /// What was sent once more was the first to come to something good.
    HedgeWon(HedgeWon<'a>),
    /// A token was fetched, or could not be.
    TokenFetched(TokenFetched<'a>),
    /// Credentials were put on a request.
    TokenUsed(TokenUsed<'a>),
}
