//! [`SecretSource`]: where a secret is, rather than what it is.

use std::env;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use midil_http_core::{AuthError, AuthErrorKind, BuildError, Secret};

/// Nobody's secret is longer; a wrong path may lead to a file that is.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret comes from: a value, an environment variable, or a file that is read anew for each fetch.
///
/// Secrets that are mounted into a container rotate while it runs: a file is never remembered. Text converts into a
/// value.
///
/// # Examples
///
/// ```
/// use midil_auth::SecretSource;
///
/// let value = SecretSource::from("hunter2");
/// assert!(!format!("{value:?}").contains("hunter2"));
///
/// let mounted = SecretSource::file("/var/run/secrets/cognito/client_secret");
/// let missing = SecretSource::env("NO_SUCH_VARIABLE").unwrap_err();
/// assert_eq!(missing.to_string(), "NO_SUCH_VARIABLE is not set: set it to the secret");
/// ```
#[derive(Clone)]
pub struct SecretSource(Kind);

#[derive(Clone)]
enum Kind {
    Value(Secret),
    File(PathBuf),
}

impl SecretSource {
    /// The value of an environment variable, as it is now: the environment of a process does not change.
    ///
    /// # Errors
    ///
    /// [`BuildError`], naming the variable, when it is unset, empty or no Unicode.
    pub fn env(variable: &str) -> Result<Self, BuildError> {
        match env::var(variable) {
            Ok(text) if text.is_empty() => {
                Err(BuildError::new(variable, "is empty: set it to the secret"))
            }
            Ok(text) => Ok(text.into()),
            Err(env::VarError::NotPresent) => {
                Err(BuildError::new(variable, "is not set: set it to the secret"))
            }
            Err(env::VarError::NotUnicode(_)) => {
                Err(BuildError::new(variable, "is not Unicode: set it to the secret"))
            }
        }
    }

    /// The content of a file, less one line end: read whenever the secret is needed, away from the executor's threads.
    ///
    /// A file that cannot be read, is empty, is no UTF-8 or has more than 64 KiB fails the fetch, with an error that names
    /// it.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// The secret as it is now.
    pub(crate) async fn read(&self) -> Result<Secret, AuthError> {
        match &self.0 {
            Kind::Value(secret) => Ok(secret.clone()),
            Kind::File(path) => {
                let path = path.clone();
                blocking::unblock(move || read(&path)).await
            }
        }
    }

    /// The value, where it is one: what is wrong with it can be told when it is set.
    pub(crate) fn value(&self) -> Option<&Secret> {
        match &self.0 {
            Kind::Value(secret) => Some(secret),
            Kind::File(_) => None,
        }
    }
}

fn read(path: &Path) -> Result<Secret, AuthError> {
    let problem = |why: &str| {
        let message = format!("the secret file {} {why}", path.display());
        AuthError::new(AuthErrorKind::Configuration, message)
    };
    let unreadable = |error: io::Error| {
        problem("cannot be read: check that it is mounted and who may read it").with_source(error)
    };
    let mut text = zeroize::Zeroizing::new(String::new());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let read =
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => problem("is no UTF-8: write the secret as text"),
            _ => unreadable(error),
        })?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(problem("has more than 64 KiB: that is no secret; check the path"));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(problem("is empty: write the secret to it"));
    }
    Ok(secret.into())
}

impl From<Secret> for SecretSource {
    fn from(secret: Secret) -> Self {
        Self(Kind::Value(secret))
    }
}

impl From<String> for SecretSource {
    fn from(secret: String) -> Self {
        Secret::from(secret).into()
    }
}

impl From<&str> for SecretSource {
    fn from(secret: &str) -> Self {
        Secret::from(secret).into()
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Value(secret) => secret.fmt(f),
            Kind::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}
