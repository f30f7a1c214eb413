//! [`CognitoClientCredentialsAuthenticator`].

use std::fmt;

use midil_http_core::{BuildError, Error, Transport, credential_url};

use crate::client_credentials::{ClientCredentials, ClientCredentialsBuilder};

/// The token endpoint of every user pool, below its domain.
const PATH: &str = "/oauth2/token";

/// Bearer tokens of an Amazon Cognito user pool, for an app client with a secret.
///
/// These are [`ClientCredentials`] that know where Cognito's token endpoint is: all that is said there holds here. Cognito
/// charges for each token and limits their rate; the cache, and for a fleet a shared store, see to it that few are asked
/// for.
///
/// # Examples
///
/// ```
/// use midil_auth::{CognitoClientCredentialsAuthenticator, SecretSource};
/// # use midil_http_core::{Body, HttpClient, Request};
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
///
/// let cognito = CognitoClientCredentialsAuthenticator::builder(transport)
///     .domain("your-domain.auth.us-east-1.amazoncognito.com")
///     .client_id("your-client-id")
///     .client_secret(SecretSource::file("/var/run/secrets/cognito/client_secret"))
///     .scope("orders/read")
///     .aws_client_metadata("team", "billing")
///     .build()?;
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").auth(cognito).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CognitoClientCredentialsAuthenticator(ClientCredentials);

impl CognitoClientCredentialsAuthenticator {
    /// Begins with the transport that token requests go over.
    pub fn builder(transport: impl Transport) -> ClientCredentialsBuilder<Self> {
        ClientCredentialsBuilder::new(transport)
    }
}

crate::forward::forward!(CognitoClientCredentialsAuthenticator, 0);

impl fmt::Debug for CognitoClientCredentialsAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CognitoClientCredentialsAuthenticator").field(&self.0).finish()
    }
}

impl ClientCredentialsBuilder<CognitoClientCredentialsAuthenticator> {
    /// The user pool's domain, Amazon's (`….auth.<region>.amazoncognito.com`) or one of your own: `token_url` is
    /// `https://<domain>/oauth2/token`.
    #[must_use]
    pub fn domain(mut self, domain: impl AsRef<str>) -> Self {
        self.token_url = Some(token_url(domain.as_ref()));
        self
    }

    /// One pair for the user pool's pre-token-generation function (`aws_client_metadata`); repeats.
    #[must_use]
    pub fn aws_client_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.client_metadata.insert(key.into(), value.into());
        self
    }

    /// Makes the provider. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], as [`ClientCredentials`] has it, or for a `domain` that is none.
    pub fn build(mut self) -> Result<CognitoClientCredentialsAuthenticator, Error> {
        if self.token_url.is_none() {
            let problem = "is not set: give the user pool's domain, or token_url";
            self.note(BuildError::new("domain", problem));
        }
        if !self.client_metadata.is_empty() {
            let metadata = std::mem::take(&mut self.client_metadata);
            // A map of text has no other form.
            let json = serde_json::to_string(&metadata).unwrap_or_default();
            self.fields.push(("aws_client_metadata".to_owned(), json));
        }
        self.finish().map(CognitoClientCredentialsAuthenticator)
    }
}

/// `https://` may go before the domain; `http://`, for a stand-in on this machine.
fn token_url(domain: &str) -> Result<url::Url, BuildError> {
    let text = match domain.split_once("://") {
        Some(_) => domain.to_owned(),
        None => format!("https://{domain}"),
    };
    let mut url = credential_url("domain", &text)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(BuildError::new("domain", "is a host alone: for a whole URL use token_url"));
    }
    url.set_path(PATH);
    Ok(url)
}
