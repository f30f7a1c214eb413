//! What traces show: the settings, the client spans, and the context that goes along.

mod callsite;
pub(crate) mod client_span;
mod exchange_span;
mod propagator;
mod query;
mod settings;

pub use exchange_span::ExchangeSpan;
pub(crate) use exchange_span::Resends;
pub use propagator::Propagator;
pub(crate) use query::Query;
pub(crate) use settings::Recorded;
pub use settings::TraceSettings;
