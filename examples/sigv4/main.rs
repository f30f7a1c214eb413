//! Credentials that depend on the request: AWS Signature Version 4, by way of Amazon's own crate.
//!
//! ```text
//! cargo run --example sigv4
//! ```
//!
//! The client asks the provider for each attempt, with the head that is about to be sent: a retry is signed anew. The server
//! (`server.rs`) computes every signature for itself.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

mod server;

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderName, HeaderValue};
use midil_http::{
    AuthError, AuthErrorKind, AuthNHeaders, AuthNProvider, AuthNToken, DefaultRetryStrategy,
    RequestHead, RetryEvent, async_trait,
};

const REGION: &str = "eu-central-1";
/// It takes bodies unsigned, as S3 does. Where they must be signed, sign in attempt middleware, which sees the body.
const SERVICE: &str = "vpc-lattice-svcs";

struct SigV4 {
    credentials: Credentials,
}

#[async_trait]
impl AuthNProvider for SigV4 {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Err(AuthError::new(AuthErrorKind::Other, "SigV4 signs requests, and has no token"))
    }

    async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        self.sign(request).map_err(|error| {
            AuthError::new(AuthErrorKind::Other, "the request cannot be signed").with_source(error)
        })
    }
}

impl SigV4 {
    fn sign(&self, request: &RequestHead) -> Result<AuthNHeaders, Box<dyn Error + Send + Sync>> {
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(settings)
            .build()?
            .into();
        let present = request.headers.iter();
        let headers =
            present.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method.as_str(),
            request.url.as_str(),
            headers,
            SignableBody::UnsignedPayload,
        )?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        instructions.headers().try_fold(AuthNHeaders::new(), |signed, (name, value)| {
            Ok(signed.with(HeaderName::try_from(name)?, HeaderValue::try_from(value)?))
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The key pair of Amazon's own examples.
    let (key_id, key) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let server = server::start(key);

    let credentials = Credentials::new(key_id, key, None, None, "example");
    let retry = DefaultRetryStrategy::builder()
        .on_retry(|event: &mut RetryEvent<'_>| println!("  again after {:.1?}", event.delay))
        .build()?;
    let http = midil_http::client(format!("{}/v1", server.url()))?
        .header("x-client-version", "1.0")
        .auth(SigV4 { credentials })
        .retry(retry)
        .total_timeout(Duration::from_secs(20))
        .build()?;

    let orders = http.get("/orders/a book").query(&[("from", "a+b & ü"), ("limit", "10")]);
    println!("GET, and the first answer is a 503:");
    let orders = orders.send().await?.error_for_status().await?;
    println!("  {} after {} attempts", orders.status(), orders.attempts());

    println!("POST with JSON:");
    let order = http.post("/orders").json(&["book"]).send().await?.error_for_status().await?;
    println!("  {} after {} attempt", order.status(), order.attempts());

    let signatures = server::signatures(&server);
    println!(
        "The server computed {} signatures for itself, and found them right.",
        signatures.len()
    );
    if signatures.len() == 3 && signatures[0] != signatures[1] {
        Ok(())
    } else {
        Err("the retry should have been signed anew".into())
    }
}
