//! The token endpoint, and which tokens are worth something.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use midil_http_test::fault_server::{Received, Reply};

/// Tokens are numbered in the order in which they are issued; all up to a number may be revoked.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    issued: AtomicU64,
    asked: AtomicU64,
    revoked: Mutex<u64>,
}

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    Good(u64),
    Revoked,
    /// It was never issued.
    Forged,
}

pub(crate) const CLIENT_ID: &str = "soak";
pub(crate) const CLIENT_SECRET: &str = "between us";

/// The two of them, as RFC 7617 has it.
const BASIC: &str = "Basic c29hazpiZXR3ZWVuK3Vz";

impl Tokens {
    /// Issues a token. One request in eight fails, to be made again; one token in four lasts for a second or two.
    pub(crate) fn answer(&self, request: &Received) -> Result<Reply, String> {
        if request.header("authorization") != Some(BASIC) {
            return Err("the token endpoint was asked without the client's credentials".to_owned());
        }
        match self.asked.fetch_add(1, Ordering::Relaxed) % 16 {
            7 => return Ok(Reply::status(503)),
            15 => return Ok(Reply::reset_before_head()),
            _ => {}
        }
        let number = 1 + self.issued.fetch_add(1, Ordering::Relaxed);
        let lifetime = if number % 4 == 0 { 1 + number % 2 } else { 3600 };
        let json = format!(
            r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{lifetime}}}"#
        );
        Ok(Reply::ok(json).header("content-type", "application/json"))
    }

    pub(crate) fn worth(&self, authorization: &str) -> Worth {
        let number = authorization.strip_prefix("Bearer token-").and_then(|text| text.parse().ok());
        match number {
            Some(number) if (1..=self.issued()).contains(&number) => {
                if number <= *self.lock() { Worth::Revoked } else { Worth::Good(number) }
            }
            _ => Worth::Forged,
        }
    }

    pub(crate) fn revoke(&self, number: u64) {
        let mut revoked = self.lock();
        *revoked = number.max(*revoked);
    }

    /// How many there are.
    pub(crate) fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, u64> {
        self.revoked.lock().expect("nobody panics with it")
    }
}
