//! Behaviour of the whole product, through its public interface: one module per concern.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod api;
mod auth;
mod bodies;
mod cancellation;
mod config;
mod connections;
mod credentials;
mod errors;
mod headers;
mod leaks;
mod middleware;
mod observability;
mod redirects;
mod retries;
mod support;
mod timeouts;
mod token_endpoint;
mod urls;
mod without_tokio;
