//! Test doubles for midil-http: scripted transport, virtual time, fault server.
//!
//! | what is tested | with | real in it |
//! |---|---|---|
//! | what the code asks of a service, and what it makes of the answers | [`MockTransport`] | nothing |
//! | waits: backoffs, timeouts, lifetimes of tokens | [`ManualRuntime`] | all but the time |
//! | a transport, or what a connection can do to it | [`FaultServer`](fault_server::FaultServer) and its [siblings](fault_server): TLS, HTTP/2, a proxy | the sockets |
//! | whether a transport does what all of them must | `conformance::Suite` | the sockets |
//!
//! | feature | adds |
//! |---|---|
//! | `tls` | `FaultServer` over TLS, with certificates made on the spot: good, expired, for another host, of nobody |
//! | `http2` | `Http2Server`: HTTP/2 with refused streams, GOAWAY, resets and cuts; over TLS with `tls` |
//! | `conformance` | the conformance suite of transports; includes both |
//!
//! Without them the crate depends on neither rustls nor tokio.
//!
//! Panics are how these doubles speak to a test; each is documented.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use midil_http_core::HttpClient;
//! use midil_http_test::{ManualRuntime, MockTransport, Reply};
//!
//! let runtime = ManualRuntime::new();
//! let mock = MockTransport::always(Reply::pending());
//! let client = HttpClient::builder(mock.clone())
//!     .base_url("https://api.example.com")
//!     .timeout(Duration::from_secs(20))
//!     .runtime(runtime.clone())
//!     .build()?;
//!
//! let error = runtime.block_on(client.get("/users").send()).unwrap_err(); // takes no time
//! assert!(error.is_timeout());
//! assert_eq!(runtime.elapsed(), Duration::from_secs(20));
//! assert_eq!(mock.requests()[0].url().path(), "/users");
//! # Ok::<_, midil_http_core::Error>(())
//! ```

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod fault_server;
mod manual_runtime;
mod mock_transport;

pub use manual_runtime::ManualRuntime;
pub use mock_transport::{Expectation, MockTransport, RecordedRequest, Reply};

/// The examples of the README, which need every feature.
#[cfg(all(doctest, feature = "conformance"))]
#[doc = include_str!("../README.md")]
struct Readme;
