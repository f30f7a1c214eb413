//! [`SecretSetting`].

use std::path::PathBuf;

use super::Leaf;
use crate::config::node::Node;
use crate::{BuildError, Secret};

/// A secret of a configuration: itself, or where it is.
///
/// In a file it is a text, `{ env = "NAME" }` or `{ file = "PATH" }`; in the environment a variable, or one that has
/// `_FILE` at the end of its name and names a file. `Debug` shows no value. A value is never written, either: what is
/// serialised in its place, `{ redacted = true }`, is refused when it is read, so that nobody signs in with it.
///
/// # Examples
///
/// ```
/// use midil_http_core::{AuthConfig, SecretSetting};
///
/// let auth = AuthConfig::bearer(SecretSetting::file("/var/run/secrets/orders/token"));
/// let auth = AuthConfig::bearer("hunter2"); // a value
/// assert!(!format!("{auth:?}").contains("hunter2"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSetting {
    /// The secret itself.
    Value(Secret),
    /// The environment variable that it is in.
    Env(String),
    /// The file that it is in, less one line end.
    File(PathBuf),
}

impl SecretSetting {
    /// What the environment variable of that name holds, when a client is built.
    #[must_use]
    pub fn env(variable: impl Into<String>) -> Self {
        Self::Env(variable.into())
    }

    /// What that file holds.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// The secret as it is now: reads the variable or the file.
    ///
    /// A file blocks the thread; where a secret rotates, read it when it is needed, as `SecretSource` of `midil-auth`
    /// does.
    ///
    /// # Errors
    ///
    /// [`BuildError`], naming the variable or the file, when it is not there, empty, no UTF-8 or more than 1 MiB.
    pub fn read(&self) -> Result<Secret, BuildError> {
        match self {
            Self::Value(secret) => Ok(secret.clone()),
            Self::Env(name) => {
                let problem = |why: &str| {
                    Err(BuildError::new(
                        format!("the variable {name}"),
                        format!("{why}: set it to the secret"),
                    ))
                };
                match std::env::var(name) {
                    Ok(text) if text.is_empty() => problem("is empty"),
                    Ok(text) => Ok(text.into()),
                    Err(std::env::VarError::NotPresent) => problem("is not set"),
                    Err(std::env::VarError::NotUnicode(_)) => problem("is not valid UTF-8"),
                }
            }
            Self::File(path) => {
                let bytes = crate::config::file::read(path)?;
                let problem =
                    |why: &str| BuildError::new(format!("the file {}", path.display()), why);
                let text = std::str::from_utf8(&bytes)
                    .map_err(|_| problem("is not valid UTF-8: write the secret as text"))?;
                let text = text.strip_suffix('\n').unwrap_or(text);
                match text.strip_suffix('\r').unwrap_or(text) {
                    "" => Err(problem("is empty: write the secret to it")),
                    secret => Ok(secret.into()),
                }
            }
        }
    }
}

impl From<Secret> for SecretSetting {
    fn from(secret: Secret) -> Self {
        Self::Value(secret)
    }
}

impl From<String> for SecretSetting {
    fn from(secret: String) -> Self {
        Secret::from(secret).into()
    }
}

impl From<&str> for SecretSetting {
    fn from(secret: &str) -> Self {
        Secret::from(secret).into()
    }
}

impl Leaf for SecretSetting {
    const IS_SECRET: bool = true;

    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn from_file(path: &str) -> Option<Self> {
        Some(Self::file(path))
    }

    fn from_node(node: &Node) -> Option<Self> {
        match node {
            Node::Text(text) => Some(Self::from(text.as_str())),
            Node::Table(entries) => match entries.as_slice() {
                [(key, Node::Text(name))] if key == "env" => Some(Self::env(name.as_str())),
                [(key, Node::Text(path))] if key == "file" => Some(Self::file(path.as_str())),
                _ => None,
            },
            _ => None,
        }
    }

    fn to_node(&self) -> Node {
        let entry = match self {
            Self::Value(_) => ("redacted", Node::Bool(true)),
            Self::Env(name) => ("env", Node::text(name.as_str())),
            Self::File(path) => ("file", Node::text(path.to_string_lossy())),
        };
        Node::Table(vec![(entry.0.to_owned(), entry.1)])
    }

    fn shown(node: &Node) -> String {
        match node {
            Node::Table(entries) if entries.iter().any(|(key, _)| key == "redacted") => {
                "redacted, as the secret was when this was written".to_owned()
            }
            _ => super::unshown(node),
        }
    }

    fn shown_text(_: &str) -> String {
        super::UNSHOWN.to_owned()
    }
}

#[cfg(test)]
mod tests;
