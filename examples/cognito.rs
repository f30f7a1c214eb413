//! Amazon Cognito: a token for a service, fetched once, kept fresh, and shown as a health check would show it.
//!
//! ```text
//! cargo run --example cognito        # against a stand-in on this machine
//! COGNITO_DOMAIN=your-domain.auth.us-east-1.amazoncognito.com CLIENT_ID=… CLIENT_SECRET_FILE=… API_URL=https://… \
//!     cargo run --example cognito    # the real thing; SCOPES, if any, are separated by spaces
//! ```

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::env;
use std::error::Error;

use midil_http::{
    CacheStatus, CognitoClientCredentialsAuthenticator, ReqwestTransport, SecretSource,
};
use midil_http_test::fault_server::{FaultServer, Reply};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = Service::from_env()?;

    let cognito =
        CognitoClientCredentialsAuthenticator::builder(ReqwestTransport::builder().build()?)
            .domain(&service.domain)
            .client_id(&service.client_id)
            .client_secret(service.client_secret)
            .scope(&service.scopes)
            .build()?;

    // A wrong secret should stop a service that starts, and not its first customer.
    cognito.warm_up().await?;
    println!("at the start:  {}", health(&cognito.status()));

    let http = midil_http::client(&service.api_url)?.auth(cognito.clone()).build()?;
    let response = http.get(&service.api_url).send().await?;
    println!("the API says:  {}", response.status());
    println!("after a call:  {}", health(&cognito.status()));
    Ok(())
}

/// A service is healthy as long as it has a token; failures with a token at hand are a warning.
fn health(status: &CacheStatus) -> String {
    let seconds = |length: Option<std::time::Duration>| length.unwrap_or_default().as_secs();
    match (status.valid, &status.last_error) {
        (true, None) => format!(
            "ok: token {} is {} s old and good for {} s more, to be renewed in {} s; fetches: {}",
            status.generation,
            seconds(status.age),
            seconds(status.expires_in),
            seconds(status.next_refresh),
            status.fetches,
        ),
        (true, Some(error)) => format!(
            "warning: {} failed fetches, and the token expires in {} s: {error}",
            status.consecutive_failures,
            seconds(status.expires_in),
        ),
        (false, Some(error)) => format!("down: {error}"),
        (false, None) => "no token yet".to_owned(),
    }
}

/// Whom we call, and with whose credentials.
struct Service {
    domain: String,
    client_id: String,
    client_secret: SecretSource,
    scopes: String,
    api_url: String,
    _stand_in: Option<FaultServer>,
}

impl Service {
    fn from_env() -> Result<Self, Box<dyn Error>> {
        let Ok(domain) = env::var("COGNITO_DOMAIN") else { return Ok(Self::stand_in()) };
        let variable = |name| env::var(name).map_err(|error| format!("{name}: {error}"));
        Ok(Self {
            domain,
            client_id: variable("CLIENT_ID")?,
            client_secret: SecretSource::file(variable("CLIENT_SECRET_FILE")?),
            scopes: env::var("SCOPES").unwrap_or_default(),
            api_url: variable("API_URL")?,
            _stand_in: None,
        })
    }

    /// Cognito and the API in one server on this machine, so plain http will do.
    fn stand_in() -> Self {
        println!("COGNITO_DOMAIN is not set: a stand-in on this machine answers\n");
        let server = FaultServer::respond_with(|request| match request.target() {
            "/oauth2/token" => {
                Reply::ok(r#"{"access_token":"stand-in","expires_in":3600,"token_type":"Bearer"}"#)
            }
            _ if request.header("authorization") == Some("Bearer stand-in") => Reply::ok("[]"),
            _ => Reply::status(401),
        });
        Self {
            domain: server.url(),
            client_id: "stand-in".to_owned(),
            client_secret: "stand-in".into(),
            scopes: "orders/read".to_owned(),
            api_url: format!("{}/orders", server.url()),
            _stand_in: Some(server),
        }
    }
}
