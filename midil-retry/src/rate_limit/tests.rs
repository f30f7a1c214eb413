//! The rate limit against a model of it; many threads.

mod contention;
mod model;
