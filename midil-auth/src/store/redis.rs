//! [`RedisTokenStore`].

mod link;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, cmd};
use async_trait::async_trait;
use midil_http_core::{BoxError, BuildError};

use self::link::{Link, RedisStoreError};
use self::server::Server;
use super::{StoredToken, TokenStore};

/// A token and what is left of it, of one moment.
const LOAD: &str = "\
local sealed = redis.call('GET', KEYS[1])
if not sealed then return false end
return {sealed, redis.call('PTTL', KEYS[1])}";

const ACQUIRE: &str = "\
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// An expiry of 0 deletes.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0";

/// A [`TokenStore`] on Redis or Valkey, for a fleet. Clones share a connection. It needs tokio.
///
/// # The server
///
/// - Redis 6 or later, or Valkey: one primary, with or without replicas. Redis Cluster is not supported; a store that
///   answers `MOVED` counts as down.
/// - `rediss` is TLS, and trusts the certificates that the operating system trusts. Take it wherever the network is not
///   yours: the password of the URL goes over it. What is stored is sealed in any case.
/// - A user of Redis needs these rights, and none on other keys:
///   `ACL SETUSER midil on >password resetkeys ~midil:token:* resetchannels -@all +eval +get +set +pttl +pexpire`,
///   and `+select` where the URL names a database.
/// - Each credential has one token and, while it is refreshed, one lock, both of which expire. Eviction (`maxmemory`) is
///   harmless: a token that is gone costs one fetch, a lock that is gone perhaps one more. So are restarts without
///   persistence.
///
/// # Connection
///
/// Connects at the first use, within 5 s and in the background: whoever asks need not wait that long. One connection
/// serves all calls. When it fails, the call is tried once more on a new one; when a call is given up, the next has a new
/// one. A connection belongs to the tokio runtime that was current when it was made; when that is gone, the next call
/// connects anew, and when nobody drives it, whoever comes 5 s later. Outside tokio every call is an error.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use midil_auth::{RedisTokenStore, TokenStore};
///
/// # async fn example() -> Result<(), midil_http_core::BoxError> {
/// let store = RedisTokenStore::try_new("rediss://midil:password@redis.internal:6379")?
///     .with_prefix("payments:midil:token:");
/// assert!(store.acquire("name", "this host", Duration::from_secs(5)).await?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisTokenStore {
    link: Arc<Link>,
    prefix: Arc<str>,
}

impl RedisTokenStore {
    /// A store at `redis://[user:password@]host[:port][/database]`, or `rediss` for TLS; `valkey` and `valkeys` are the
    /// same. The port is 6379, unless it says another.
    ///
    /// # Errors
    ///
    /// [`BuildError`], without the URL, when it is none of these. With TLS, when the system has no certificates to trust.
    pub fn try_new(url: &str) -> Result<Self, BuildError> {
        let server = Server::try_new(url)?;
        Ok(Self { link: Arc::new(Link::new(server)), prefix: "midil:token:".into() })
    }

    /// The same store, with names that begin with that: `midil:token:`, unless this says another.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, BoxError> {
        let answer = self.link.ask(command).await?;
        Ok(::redis::from_redis_value(answer).map_err(|_| RedisStoreError::unexpected())?)
    }

    fn token(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn lock(&self, name: &str) -> String {
        format!("{}{name}:lock", self.prefix)
    }
}

#[async_trait]
impl TokenStore for RedisTokenStore {
    async fn load(&self, name: &str) -> Result<Option<StoredToken>, BoxError> {
        let found: Option<(Vec<u8>, i64)> = self.ask(&script(LOAD, &self.token(name))).await?;
        // Nothing of ours is without an expiry.
        Ok(found.and_then(|(sealed, milliseconds)| {
            let remaining = Duration::from_millis(u64::try_from(milliseconds).ok()?);
            Some(StoredToken::new(sealed, remaining))
        }))
    }

    async fn save(&self, name: &str, sealed: &[u8], lifetime: Duration) -> Result<(), BoxError> {
        let mut command = cmd("SET");
        command.arg(self.token(name)).arg(sealed).arg("PX").arg(milliseconds(lifetime).max(1));
        self.ask(&command).await
    }

    async fn acquire(&self, name: &str, owner: &str, lease: Duration) -> Result<bool, BoxError> {
        let mut command = script(ACQUIRE, &self.lock(name));
        command.arg(owner).arg(milliseconds(lease).max(1));
        self.ask(&command).await
    }

    async fn release(&self, name: &str, owner: &str, pause: Duration) -> Result<(), BoxError> {
        let mut command = script(RELEASE, &self.lock(name));
        command.arg(owner).arg(milliseconds(pause));
        self.ask::<i64>(&command).await.map(drop)
    }
}

/// The whole text each time: it is short, and a server that restarted knows no digests.
fn script(text: &str, key: &str) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(text).arg(1).arg(key);
    command
}

/// Up to ten years: Redis refuses what overflows.
fn milliseconds(duration: Duration) -> u64 {
    const MOST: u64 = 10 * 365 * 24 * 3600 * 1000;
    u64::try_from(duration.as_millis()).unwrap_or(MOST).min(MOST)
}

impl fmt::Debug for RedisTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTokenStore")
            .field("server", self.link.server())
            .field("prefix", &self.prefix)
            .finish()
    }
}
