//! [`ClientCredentials`]: OAuth2 for services, with nobody at the keyboard.

mod answer;
mod builder;
mod endpoint;
mod grant;
mod shown;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::cache::TokenCache;
pub use builder::ClientCredentialsBuilder;
pub use grant::ClientAuthMethod;

/// Bearer tokens by OAuth2's client credentials grant ([RFC 6749, section 4.4]), kept fresh by a [`TokenCache`].
///
/// Token requests go over a [`Transport`](midil_http_core::Transport) that is handed in. One of their own is best: their
/// connections and limits are then not those of your calls. They are POSTs of a form over https (plain http to this machine
/// alone); redirects are not followed. A fetch takes at most `fetch_timeout` (10 s) in all, and makes up to three attempts
/// in it where the endpoint cannot be reached, breaks off, or answers 408, 425, 429 or a 5xx but 501 and 505; `Retry-After` is
/// obeyed. What it refuses (`invalid_client`, `invalid_scope`…) it is not asked again before the cache's pause is over.
///
/// Of a token response it believes: `access_token`, text that is not empty; `token_type`, `Bearer` in any case, and no
/// other (RFC 6749, section 7.1); `expires_in`, a number, as text too. Where the last is missing or no number, the token is
/// taken to live for five minutes; 0 or less, and it is used for the calls that waited for it alone.
///
/// Clones share the token. For Amazon Cognito, see
/// [`CognitoClientCredentialsAuthenticator`](crate::CognitoClientCredentialsAuthenticator).
///
/// [RFC 6749, section 4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
///
/// # Examples
///
/// ```
/// use midil_auth::ClientCredentials;
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// // A backend of yours; here, an authority and an API in one closure.
/// let transport = |request: Request| async move {
///     Ok(http::Response::new(match request.url().path() {
///         "/oauth2/token" => Body::from(r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#),
///         _ => Body::from(format!("{:?}", request.headers().get("authorization").map(|value| value.as_bytes().len()))),
///     }))
/// };
///
/// let credentials = ClientCredentials::builder(transport)
///     .token_url("https://login.example.com/oauth2/token")
///     .client_id("reports")
///     .client_secret("hunter2")
///     .scope("orders/read")
///     .audience("https://api.example.com")
///     .build()?;
///
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").auth(credentials.clone()).build()?;
/// assert_eq!(client.get("/orders").send().await?.text().await?, "Some(10)"); // "Bearer abc"
/// assert_eq!(credentials.status().fetches, 1);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    cache: TokenCache,
    shown: shown::Shown,
}

crate::forward::forward!(ClientCredentials, cache);

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("token_url", &self.shown)
            .field("status", &self.status())
            .finish()
    }
}
