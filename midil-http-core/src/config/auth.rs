//! `[auth]`: who provides credentials.

use std::time::Duration;

use super::leaf::{
    PairsSetting, SecretSetting, UrlSetting, any, positive_length, secret, text, texts, word,
};
use super::section::{kinds, section, words};

kinds! {
    /// Which credentials requests have.
    AuthKind,
    "\"none\", \"cognito\", \"client_credentials\", \"bearer\", \"basic\" or \"api_key\"" => {
        /// None.
        None = "none": [] [];
        /// Tokens of an Amazon Cognito user pool; `domain` or `token_url` is needed.
        Cognito = "cognito": ["client_id", "client_secret"]
            ["domain", "token_url", "scopes", "auth_method", "fetch_timeout", "parameters", "aws_client_metadata"];
        /// Tokens of any OAuth2 authority, for client credentials.
        ClientCredentials = "client_credentials": ["token_url", "client_id", "client_secret"]
            ["scopes", "audience", "resources", "auth_method", "fetch_timeout", "parameters"];
        /// A token that never changes.
        Bearer = "bearer": ["token"] [];
        /// User and password.
        Basic = "basic": [] ["username", "password"];
        /// A key in a header of its own.
        ApiKey = "api_key": ["header", "key"] [];
    }
}

words! {
    /// How a client proves to a token endpoint who it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{AuthConfig, AuthMethodKind};
    ///
    /// let auth = AuthConfig::cognito().auth_method(AuthMethodKind::Post);
    /// assert_eq!(auth.auth_method.map(AuthMethodKind::name), Some("post"));
    /// ```
    AuthMethodKind, "\"basic\" or \"post\"" => {
        /// `client_secret_basic`: in a header.
        Basic = "basic";
        /// `client_secret_post`: in the form.
        Post = "post";
    }
}

section! {
    /// `[auth]` of an [`HttpConfig`](crate::HttpConfig): who provides credentials.
    ///
    /// Which settings a type needs and has is said at [`AuthKind`]; one that it does not have is an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{AuthConfig, HttpConfig, SecretSetting};
    ///
    /// let auth = AuthConfig::cognito()
    ///     .domain("your-domain.auth.us-east-1.amazoncognito.com")
    ///     .client_id("your-client-id")
    ///     .client_secret(SecretSetting::file("/var/run/secrets/cognito/client_secret"))
    ///     .scopes(["orders/read"]);
    /// let config = HttpConfig::builder().auth(auth).build()?;
    ///
    /// let error = HttpConfig::builder().auth(AuthConfig::cognito().client_id("a")).build().unwrap_err();
    /// assert_eq!(error.to_string(), "auth.client_secret is not set: auth.type \"cognito\" needs it");
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    AuthConfig by tagged {
        /// Which (`type`): `none`.
        kind: plain AuthKind, word(AuthKind::ALLOWED);
        /// The domain of a user pool.
        domain: into UrlSetting, any("a domain");
        /// The token endpoint: https, unless it is on this machine.
        token_url: into UrlSetting, any("an https URL");
        /// Who we are to the authority.
        client_id: into String, text();
        /// How we prove it.
        client_secret: into SecretSetting, secret();
        /// What the token is to permit.
        scopes: each Vec<String>, texts();
        /// Whom the token is for, as Auth0 and others ask for it.
        audience: into String, text();
        /// Whom the token is for (RFC 8707).
        resources: each Vec<String>, texts();
        /// How the secret is sent: `basic`.
        auth_method: plain AuthMethodKind, word(AuthMethodKind::ALLOWED);
        /// The longest that a fetch may take: 10 s.
        fetch_timeout: plain Duration, positive_length();
        /// More fields of the token request.
        parameters: pairs PairsSetting, any("a table of texts (in a variable: a=1,b=2)");
        /// Pairs for the user pool's pre-token-generation function.
        aws_client_metadata: pairs PairsSetting, any("a table of texts (in a variable: a=1,b=2)");
        /// The token that never changes.
        token: into SecretSetting, secret();
        /// The user.
        username: into SecretSetting, secret();
        /// The password: none.
        password: into SecretSetting, secret();
        /// The header that the key is in.
        header: into String, text();
        /// The key.
        key: into SecretSetting, secret();
    }
}

impl AuthConfig {
    /// Tokens of an Amazon Cognito user pool.
    #[must_use]
    pub fn cognito() -> Self {
        Self::new().kind(AuthKind::Cognito)
    }

    /// Tokens of any OAuth2 authority, for client credentials.
    #[must_use]
    pub fn client_credentials() -> Self {
        Self::new().kind(AuthKind::ClientCredentials)
    }

    /// A token that never changes.
    #[must_use]
    pub fn bearer(token: impl Into<SecretSetting>) -> Self {
        Self::new().kind(AuthKind::Bearer).token(token)
    }

    /// User and password.
    #[must_use]
    pub fn basic(username: impl Into<SecretSetting>, password: impl Into<SecretSetting>) -> Self {
        Self::new().kind(AuthKind::Basic).username(username).password(password)
    }

    /// A key in a header of its own.
    #[must_use]
    pub fn api_key(header: impl Into<String>, key: impl Into<SecretSetting>) -> Self {
        Self::new().kind(AuthKind::ApiKey).header(header).key(key)
    }
}
