//! A whole client from a file, with variables over it, and code over both.
//!
//! ```sh
//! cargo run --example from_config
//! REPORTS_HTTP_MAX_RETRIES=0 cargo run --example from_config    # gives up at once
//! REPORTS_HTTP_MAX_RETRYS=0 cargo run --example from_config     # says what was meant
//! ```
//!
//! The servers are on this machine.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::sync::atomic::{AtomicBool, Ordering};

use midil_http::{AuthConfig, HttpConfig, HttpConfigBuilder, client_from};
use midil_http_test::fault_server::{FaultServer, Reply};

const FILE: &str = include_str!("from_config.toml");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = orders();

    // In toml's errors, `message()` says what is wrong. The whole error shows the line, too, and that may hold a secret.
    let file: HttpConfigBuilder =
        toml::from_str(FILE).map_err(|error| error.message().to_owned())?;
    let config = HttpConfig::builder()
        // Code wins over all. Here, it leads to the servers of the example.
        .base_url(&format!("{}/v1", server.url()))
        .auth(
            AuthConfig::new().token_url(format!("{}/token", server.url())).client_secret("hunter2"),
        )
        // REPORTS_HTTP_TIMEOUT, REPORTS_HTTP_AUTH_CLIENT_SECRET_FILE…: what is no setting is an error.
        .env_with_prefix("REPORTS_HTTP")?
        // What the file says of the rest.
        .layer(file)
        .build()?;

    let http = client_from(&config)?.build()?;
    let response = http.get("/orders").send().await?.error_for_status().await?;
    println!(
        "{} after {} attempts: {}",
        response.status(),
        response.attempts(),
        response.text().await?
    );

    // It can be written down: what is set, and where the secrets are, but no secret.
    println!("\n{}", toml::to_string(&config)?);
    Ok(())
}

/// Tokens, and orders that are there at the second attempt.
fn orders() -> FaultServer {
    let is_up = AtomicBool::new(false);
    FaultServer::respond_with(move |request| match request.target() {
        "/token" => Reply::ok(r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#),
        _ if request.header("authorization") != Some("Bearer abc") => Reply::status(401),
        _ if !is_up.swap(true, Ordering::Relaxed) => Reply::status(503),
        _ => Reply::ok(r#"["a pencil"]"#),
    })
}
