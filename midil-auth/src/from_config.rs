//! [`provider_from_config`]: the credentials that a configuration asks for.

use std::sync::Arc;

use midil_http_core::{
    AuthConfig, AuthKind, AuthMethodKind, AuthNProvider, AuthNToken, BuildError, Error, HttpConfig,
    Secret, SecretSetting, Transport,
};

use crate::client_credentials::ClientCredentialsBuilder;
use crate::{
    ApiKey, BasicAuth, ClientAuthMethod, ClientCredentials, CognitoClientCredentialsAuthenticator,
    SecretSource, StaticToken, TokenCache,
};

/// The provider of credentials that `config` asks for in its section `auth`; none, where it asks for none.
///
/// Token requests go over `transport`: the client's own will do. A client secret in a file is read anew for each fetch;
/// a bearer token in a file is kept for five minutes, read anew in the background before that, and after a 401. What
/// `basic` and `api_key` have in files is read once, now; this blocks the thread.
///
/// # Errors
///
/// [`Error::Build`], naming the setting, and the variable or file of a secret that is not there. No secret is shown.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use midil_auth::provider_from_config;
/// use midil_http_core::{AuthConfig, Body, HttpClient, HttpConfig, Request, Transport};
///
/// # let stack = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let transport: Arc<dyn Transport> = Arc::new(stack); // any
/// let config = HttpConfig::builder().base_url("https://api.example.com").auth(AuthConfig::bearer("hunter2")).build()?;
///
/// let mut builder = HttpClient::builder(Arc::clone(&transport)).config(&config);
/// if let Some(provider) = provider_from_config(&config, transport)? {
///     builder = builder.auth(provider);
/// }
/// let client = builder.build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
pub fn provider_from_config(
    config: &HttpConfig,
    transport: impl Transport,
) -> Result<Option<Arc<dyn AuthNProvider>>, Error> {
    match config.auth().kind {
        None | Some(AuthKind::None) => Ok(None),
        Some(kind) => {
            provider(kind, config.auth(), transport).map(Some).map_err(|error| match error {
                Error::Build(error) => config.locate(error.within("auth").into()),
                other => other,
            })
        }
    }
}

/// The provider of that kind; errors name settings without their section.
fn provider(
    kind: AuthKind,
    auth: &AuthConfig,
    transport: impl Transport,
) -> Result<Arc<dyn AuthNProvider>, Error> {
    match kind {
        AuthKind::Cognito => {
            let mut builder = CognitoClientCredentialsAuthenticator::builder(transport);
            if let Some(domain) = &auth.domain {
                builder = builder.domain(domain.as_str());
            }
            for (key, value) in auth.aws_client_metadata.iter().flat_map(|pairs| pairs.iter()) {
                builder = builder.aws_client_metadata(key, value);
            }
            credentials(builder, auth)?.build().map(shared)
        }
        AuthKind::ClientCredentials => {
            credentials(ClientCredentials::builder(transport), auth)?.build().map(shared)
        }
        AuthKind::Bearer => bearer(needed("token", &auth.token)?),
        AuthKind::Basic => {
            let part = |name, secret: &Option<SecretSetting>| match secret {
                Some(secret) => read(name, secret),
                None => Ok(Secret::from("")),
            };
            let user = part("username", &auth.username)?;
            BasicAuth::try_new(user, part("password", &auth.password)?).map(shared)
        }
        AuthKind::ApiKey => {
            let key = read("key", needed("key", &auth.key)?)?;
            let name = auth.header.as_deref().unwrap_or_default();
            ApiKey::try_new(name, key).map(shared)
        }
        other => {
            let problem =
                format!("is {:?}, which this version of midil-auth does not know", other.name());
            Err(BuildError::new("type", problem).into())
        }
    }
}

fn shared(provider: impl AuthNProvider) -> Arc<dyn AuthNProvider> {
    Arc::new(provider)
}

/// What Cognito and other authorities have in common.
fn credentials<P>(
    mut builder: ClientCredentialsBuilder<P>,
    auth: &AuthConfig,
) -> Result<ClientCredentialsBuilder<P>, Error> {
    if let Some(url) = &auth.token_url {
        builder = builder.token_url(url.as_str());
    }
    let secret = needed("client_secret", &auth.client_secret)?;
    builder = builder
        .client_id(auth.client_id.as_deref().unwrap_or_default())
        .client_secret(source("client_secret", secret)?)
        .scopes(auth.scopes.iter().flatten());
    if let Some(audience) = &auth.audience {
        builder = builder.audience(audience);
    }
    for resource in auth.resources.iter().flatten() {
        builder = builder.resource(resource);
    }
    for (name, value) in auth.parameters.iter().flat_map(|pairs| pairs.iter()) {
        builder = builder.parameter(name, value);
    }
    if let Some(limit) = auth.fetch_timeout {
        builder = builder.fetch_timeout(limit);
    }
    Ok(match auth.auth_method {
        Some(AuthMethodKind::Post) => builder.auth_method(ClientAuthMethod::Post),
        _ => builder,
    })
}

/// A token that never changes, or that whoever writes its file renews.
fn bearer(token: &SecretSetting) -> Result<Arc<dyn AuthNProvider>, Error> {
    if !matches!(token, SecretSetting::File(_)) {
        return StaticToken::try_new(read("token", token)?).map(shared);
    }
    let source = source("token", token)?;
    let file = move || {
        let source = source.clone();
        async move { Ok(AuthNToken::new(source.read().await?)) }
    };
    TokenCache::builder(file).name("the token of a file").build().map(shared)
}

fn needed<'a>(
    name: &str,
    secret: &'a Option<SecretSetting>,
) -> Result<&'a SecretSetting, BuildError> {
    secret.as_ref().ok_or_else(|| BuildError::new(name, "is not set: set it"))
}

fn read(name: &str, secret: &SecretSetting) -> Result<Secret, BuildError> {
    secret.read().map_err(|error| error.within(name))
}

fn source(name: &str, secret: &SecretSetting) -> Result<SecretSource, BuildError> {
    Ok(match secret {
        SecretSetting::File(path) => SecretSource::file(path),
        other => read(name, other)?.into(),
    })
}
