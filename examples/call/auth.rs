//! The credentials that the options describe.

use std::env;
use std::sync::Arc;

use midil_http::{
    ApiKey, AuthNProvider, BasicAuth, BuildError, ClientAuthMethod, ClientCredentials,
    ClientCredentialsBuilder, CognitoClientCredentialsAuthenticator, Error, SecretSource,
    StaticToken, Transport,
};

use crate::options::Options;

/// Who provides credentials, if anybody; `transport` makes one for token requests. No error repeats a value.
pub(crate) fn provider<T: Transport>(
    options: &Options,
    transport: impl FnOnce() -> Result<T, Error>,
) -> Result<Option<Arc<dyn AuthNProvider>>, Error> {
    Ok(Some(if let Some(url) = &options.token_url {
        let builder = ClientCredentials::builder(transport()?).token_url(url);
        Arc::new(client(builder, options)?.build()?)
    } else if let Some(domain) = &options.cognito_domain {
        let builder = CognitoClientCredentialsAuthenticator::builder(transport()?).domain(domain);
        Arc::new(client(builder, options)?.build()?)
    } else if let Some(token) = &options.bearer {
        Arc::new(StaticToken::try_new(token.as_str()).map_err(|error| caused("--bearer", error))?)
    } else if let Some(pair) = &options.basic {
        let (user, password) = pair
            .split_once(':')
            .ok_or_else(|| refused("--basic", "has no colon: give USER:PASS"))?;
        Arc::new(BasicAuth::try_new(user, password).map_err(|error| caused("--basic", error))?)
    } else if let Some(header) = &options.api_key {
        Arc::new(api_key(header)?)
    } else {
        return Ok(None);
    }))
}

fn api_key(header: &str) -> Result<ApiKey, Error> {
    let (name, value) = header
        .split_once(':')
        .ok_or_else(|| refused("--api-key", "has no colon: give 'Name: value'"))?;
    // The library names the header. Here it may be the key, forgotten its name.
    ApiKey::try_new(name.trim(), value.trim_matches([' ', '\t'])).map_err(|_| {
        let problem = "cannot be sent: give 'Name: value', a header that HTTP itself does not use, and visible ASCII";
        refused("--api-key", problem)
    })
}

/// What is the same for every authority.
fn client<P>(
    builder: ClientCredentialsBuilder<P>,
    options: &Options,
) -> Result<ClientCredentialsBuilder<P>, Error> {
    let Some(id) = options.client_id.as_deref().filter(|id| !id.is_empty()) else {
        return Err(missing("--client-id", "give the id that the authority knows the client by"));
    };
    let method = match options.auth_method.as_deref() {
        Some("post") => ClientAuthMethod::Post,
        _ => ClientAuthMethod::Basic,
    };
    Ok(builder
        .client_id(id)
        .client_secret(secret(options)?)
        .auth_method(method)
        .scopes(&options.scope))
}

/// The option wins over the environment, where an empty value counts as none.
fn secret(options: &Options) -> Result<SecretSource, Error> {
    const VARIABLE: &str = "MIDIL_CLIENT_SECRET";
    let unset = env::var_os(VARIABLE).is_none_or(|value| value.is_empty());
    match options.client_secret.as_deref() {
        Some("") | Some("@") => Err(missing("--client-secret", "give the secret, or @FILE")),
        Some(text) => Ok(match text.strip_prefix('@') {
            Some(path) => SecretSource::file(path),
            None => text.into(),
        }),
        None if unset => {
            Err(missing("--client-secret", "give the secret, or @FILE, or set MIDIL_CLIENT_SECRET"))
        }
        None => Ok(SecretSource::env(VARIABLE)?),
    }
}

fn missing(option: &str, remedy: &str) -> Error {
    refused(option, &format!("is missing: {remedy}"))
}

fn refused(option: &str, problem: &str) -> Error {
    BuildError::new(option, problem).into()
}

fn caused(option: &str, error: Error) -> Error {
    BuildError::new(option, "is refused").with_source(error).into()
}
