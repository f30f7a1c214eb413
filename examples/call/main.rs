//! One HTTP call from the command line, with the client's credentials, retries, limits and timeouts; one
//! line of JSON per call.
//!
//! ```text
//! cargo run --release --all-features --example call -- [OPTIONS] [METHOD] URL
//! ```
//!
//! Exit status: 0 when every call got a whole response, whatever its status; 1 when any ended in an error; 2 for bad
//! usage or configuration, named on standard error.

mod auth;
mod body;
mod client;
mod line;
mod options;
mod progress;
mod run;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::options::Options;

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(options) => options,
        Err(code) => return code,
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return misuse(&format!("cannot start the async runtime: {error}")),
    };
    let outcome = runtime.block_on(run::run(options));
    // A read of standard input that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => misuse(&problem),
    }
}

/// Names bad usage or configuration on standard error.
fn misuse(problem: &str) -> ExitCode {
    eprintln!("call: {problem}");
    ExitCode::from(2)
}
