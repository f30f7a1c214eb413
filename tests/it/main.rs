//! Behaviour of the whole product, through its public interface: one module per concern.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod api;
mod auth;
mod bodies;
mod cancellation;
mod compression;
mod config;
mod conformance;
mod connections;
#[cfg(feature = "cookies")]
mod cookies;
mod credentials;
mod errors;
mod faults;
mod headers;
mod hedging;
mod leaks;
#[cfg(feature = "retry")]
mod limits;
mod metrics;
mod middleware;
mod multipart;
mod observability;
mod observer;
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
