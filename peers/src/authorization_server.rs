//! [`AuthorizationServer`]: a certified OpenID provider, out of npm.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running authorization server, with an API that takes its tokens. It ends with this value.
pub struct AuthorizationServer {
    process: Child,
    urls: Value,
}

impl AuthorizationServer {
    /// Starts one that knows these clients: see `authorization-server/server.mjs` for the settings.
    ///
    /// # Panics
    ///
    /// When it cannot be started, with the remedy.
    #[must_use]
    pub fn start(settings: &Value) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("authorization-server");
        assert!(
            folder.join("node_modules").exists(),
            "the authorization server is not installed: `npm ci` in {}, or run scripts/test.sh",
            folder.display()
        );
        let mut process = Command::new("node")
            .arg(folder.join("server.mjs"))
            .arg(settings.to_string())
            .stdin(Stdio::piped()) // it ends when this is closed
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts: install it, or run scripts/test.sh");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut line).expect("its output is text");
        let urls = serde_json::from_str(&line)
            .expect("the server tells where it listens; why not is on standard error");
        Self { process, urls }
    }

    /// Where tokens are issued.
    #[must_use]
    pub fn token_url(&self) -> &str {
        self.url("token_url")
    }

    /// Where a token is taken back.
    #[must_use]
    pub fn revocation_url(&self) -> &str {
        self.url("revocation_url")
    }

    /// The API that takes the tokens.
    #[must_use]
    pub fn api_url(&self) -> &str {
        self.url("api_url")
    }

    /// How token requests ended, counted.
    #[must_use]
    pub fn stats_url(&self) -> &str {
        self.url("stats_url")
    }

    fn url(&self, name: &str) -> &str {
        self.urls[name].as_str().expect("the server tells all of its addresses")
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").field("urls", &self.urls).finish()
    }
}
