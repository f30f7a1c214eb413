//! The conformance suite: what every [`Transport`](midil_http_core::Transport) must do, as cases that run against yours.
//!
//! A user of midil-http swaps one transport for another, and nothing they rely on changes. This is
//! the proof: more than a hundred behaviours, each over real sockets of this machine, from how a
//! header is spelt to what becomes of an upload that nobody reads. [`Suite`] runs them all against
//! any transport, on any executor; [`Report`] says which hold. What a transport cannot do is
//! declared where the suite is run, with the reason, and is found out when it holds after all.
//!
//! | group | of what |
//! |---|---|
//! | Requests | the head of a request: what is sent, and that nothing is added |
//! | Uploads | the body of a request: framing, streaming, failing |
//! | Framing | where the head and the body of a response end |
//! | Downloads | the body of a response: streaming, whole |
//! | Faults | what goes wrong, what kind of error it is, and whether the request was sent |
//! | One exchange | nothing is followed, resent, decoded or remembered |
//! | Connections | which are used again, which are not, and when they are closed |
//! | Limits | exchanges in flight, and who waits |
//! | Cancelling | what is dropped is broken off |
//! | Settings | what is refused when a transport is built, and what is done |
//! | Secrets | what no error shows |
//! | HTTP/2, TLS, Proxy | each of them |
//! | Client | a whole [`HttpClient`](midil_http_core::HttpClient) over the transport |
//!
//! # Examples
//!
//! The whole of a test, here of a transport that needs no socket and can do very little:
//!
//! ```
//! use midil_http_core::{Body, Error, Request, TransportSettings};
//! use midil_http_test::conformance::Suite;
//!
//! # let block_on = |run| futures_util::FutureExt::now_or_never(run).unwrap();
//! let suite = Suite::new("a closure", |_: &TransportSettings| {
//!     Ok(|_: Request| async { Ok::<_, Error>(http::Response::new(Body::from("hello"))) })
//! });
//! # let suite = suite.only("a_100_is_skipped").only("a_204_has_no_body");
//! let suite = suite.lacks("a_204_has_no_body", "it says hello, whatever it is asked");
//!
//! let report = block_on(suite.run()); // on whatever executor the transport needs
//! report.assert_conforms();
//! println!("{}", report.to_markdown());
//! ```

mod bench;
mod case;
mod cases;
mod firehose;
mod report;
mod requests;
mod suite;
mod table;
mod uploads;
mod verdict;

#[cfg(test)]
mod tests;

pub use report::{CaseReport, Outcome, Report};
pub use suite::Suite;
pub use table::Table;
