//! Behaviour of the whole product, through its public interface: one module per concern.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[cfg(feature = "retry")]
mod alarms;
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
mod headers;
mod hedging;
mod ids;
mod leaks;
mod lifecycle;
#[cfg(feature = "retry")]
mod limits;
mod metrics;
mod middleware;
mod multipart;
mod observability;
mod observer;
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
mod tower;
mod trace_context;
mod urls;
mod validation;
mod without_tokio;
