//! The breaker against a model of it, with many calls in flight; many threads; its table.

mod contention;
mod model;
mod ratio;
mod settings;
mod table;
