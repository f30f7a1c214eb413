#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cache;
mod client_credentials;
mod cognito;
mod forward;
mod secret_source;

pub use cache::{CacheStatus, TokenCache, TokenCacheBuilder};
pub use client_credentials::{ClientAuthMethod, ClientCredentials, ClientCredentialsBuilder};
pub use cognito::CognitoClientCredentialsAuthenticator;
pub use secret_source::SecretSource;
