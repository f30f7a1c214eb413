//! OAuth2 client credentials at any authority: an audience, a field of the authority's own, the secret in the form, and a
//! secret file that rotates while the service runs.
//!
//! ```text
//! cargo run --example client_credentials
//! ```

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs, process};

use midil_http::{ClientAuthMethod, ClientCredentials, HttpClient, ReqwestTransport, SecretSource};
use midil_http_test::fault_server::{FaultServer, Received, Reply};
use url::form_urlencoded;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // As it is mounted into a container.
    let secret_file = env::temp_dir().join(format!("midil-http-secret-{}", process::id()));
    fs::write(&secret_file, "the first secret\n")?;
    let valid = Arc::new(Mutex::new("the first secret"));
    let server = authority_and_api(Arc::clone(&valid));

    let credentials = ClientCredentials::builder(ReqwestTransport::builder().build()?)
        .token_url(format!("{}/token", server.url()))
        .client_id("reports")
        .client_secret(SecretSource::file(&secret_file))
        .auth_method(ClientAuthMethod::Post)
        .scopes(["orders/read", "orders/write"])
        .audience("https://api.example.com")
        .parameter("tenant", "17")
        .build()?;
    let http = midil_http::client(server.url())?.auth(credentials.clone()).build()?;

    call("with the first secret", &http, &credentials).await?;
    call("with the token that is there", &http, &credentials).await?;

    // The secret rotates: the authority takes the new one alone, and tokens of the old one are worth nothing.
    *valid.lock().unwrap_or_else(PoisonError::into_inner) = "the second secret";
    fs::write(&secret_file, "the second secret\n")?;
    call("after the secret rotated", &http, &credentials).await?;

    fs::remove_file(&secret_file)?;
    match credentials.status().fetches {
        2 => Ok(()),
        fetches => Err(format!("{fetches} tokens were fetched, where 2 do").into()),
    }
}

async fn call(
    when: &str,
    http: &HttpClient,
    credentials: &ClientCredentials,
) -> Result<(), midil_http::Error> {
    let response = http.get("/orders").send().await?.error_for_status().await?;
    let (status, attempts) = (response.status(), response.attempts());
    let generation = credentials.status().generation;
    println!("{when:<30} {status}, attempts: {attempts}, token {generation}");
    Ok(())
}

/// An authority that knows one client, and an API that believes the authority.
fn authority_and_api(secret: Arc<Mutex<&'static str>>) -> FaultServer {
    FaultServer::respond_with(move |request| {
        let secret = *secret.lock().unwrap_or_else(PoisonError::into_inner);
        let token = format!("token-of-{}", secret.replace(' ', "-"));
        if request.target() == "/token" {
            if !is_granted(request, secret) {
                return Reply::status(401).body(r#"{"error":"invalid_client"}"#);
            }
            let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
            return Reply::ok(body);
        }
        let good = request.header("authorization") == Some(&format!("Bearer {token}"));
        if good { Reply::ok("[]") } else { Reply::status(401) }
    })
}

fn is_granted(request: &Received, secret: &str) -> bool {
    let form: Vec<_> = form_urlencoded::parse(request.body()).collect();
    [
        ("grant_type", "client_credentials"),
        ("client_id", "reports"),
        ("client_secret", secret),
        ("scope", "orders/read orders/write"),
        ("audience", "https://api.example.com"),
        ("tenant", "17"),
    ]
    .iter()
    .all(|wanted| form.iter().any(|(name, value)| (&**name, &**value) == *wanted))
}
