//! Behaviour of the whole product, through its public interface: one module per concern.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod api;
mod auth;
mod batch;
mod bodies;
mod cancellation;
mod compression;
mod config;
mod conformance;
mod connections;
#[cfg(feature = "cookies")]
mod cookies;
mod credentials;
mod docs;
mod errors;
mod faults;
#[cfg(feature = "full")]
mod fuzz;
mod headers;
mod hedging;
mod leaks;
#[cfg(feature = "retry")]
mod limits;
mod middleware;
mod multipart;
mod observability;
mod paginate;
mod progress;
mod redirects;
mod responses;
mod resumption;
mod retries;
#[cfg(feature = "retry")]
mod standard;
mod support;
mod timeouts;
mod token_endpoint;
mod urls;
mod without_tokio;
