//! Keeps isahc's spans to itself.
//!
//! isahc makes a span in the thread that sends, and on a thread of its own makes it the parent of others. That thread
//! knows the global dispatcher alone. Where the sender's is another one, or none, the global one is handed a span that it
//! never saw; `tracing_subscriber`'s registry then panics inside of curl, which calls nobody back from then on, and with the next request
//! isahc's thread ends. And where it is
//! the global one, isahc's spans show the whole URL at DEBUG, and make curl report every byte that is sent, credentials
//! among them, at TRACE.
//!
//! So isahc's spans are made under a dispatcher that wants none.

use std::sync::LazyLock;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber, dispatcher};

/// Runs `action` where isahc makes no span.
pub(crate) fn quietly<T>(action: impl FnOnce() -> T) -> T {
    // Where nobody ever listened there is no span. To set a dispatcher then would make `tracing` believe that somebody
    // does, and end what it forwards to `log`.
    if dispatcher::has_been_set() { dispatcher::with_default(&QUIET, action) } else { action() }
}

static QUIET: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Quiet));

/// Wants nothing. `tracing`'s own `NoSubscriber` would not do: it is not asked whether it is interested, so that spans
/// which another dispatcher always wants are made under it, too.
struct Quiet;

impl Subscriber for Quiet {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
