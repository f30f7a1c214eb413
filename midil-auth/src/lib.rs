// Its code is compiled where all that it shows is there.
#![cfg_attr(any(not(doctest), feature = "redis"), doc = include_str!("../README.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api_key;
mod basic_auth;
mod cache;
mod client_credentials;
mod cognito;
mod forward;
mod from_config;
mod per_origin;
mod secret_source;
mod static_token;
#[cfg(feature = "store")]
mod store;

pub use api_key::ApiKey;
pub use basic_auth::BasicAuth;
pub use cache::{CacheStatus, TokenCache, TokenCacheBuilder};
pub use client_credentials::{ClientAuthMethod, ClientCredentials, ClientCredentialsBuilder};
pub use cognito::CognitoClientCredentialsAuthenticator;
pub use from_config::provider_from_config;
pub use per_origin::{PerOrigin, PerOriginBuilder};
pub use secret_source::SecretSource;
pub use static_token::StaticToken;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use store::RedisTokenStore;
#[cfg(feature = "store")]
#[cfg_attr(docsrs, doc(cfg(feature = "store")))]
pub use store::{MemoryTokenStore, StoredToken, TokenStore};
