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

pub(crate) const CLIENT_SECRET: &str = "between us";

/// Who asks for tokens: the client's id, and what it says of itself, as RFC 7617 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Its tokens last, until they are revoked.
    Soak,
    /// Some of its tokens expire by themselves, soon: what that does is a matter of time.
    Brief,
}

impl Asking {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Soak => "soak",
            Self::Brief => "brief",
        }
    }

    fn of(authorization: &str) -> Option<Self> {
        match authorization {
            "Basic c29hazpiZXR3ZWVuK3Vz" => Some(Self::Soak),
            "Basic YnJpZWY6YmV0d2Vlbit1cw==" => Some(Self::Brief),
            _ => None,
        }
    }
}

impl Tokens {
    /// Issues a token. One request in eight fails, to be made again.
    pub(crate) fn answer(&self, request: &Received) -> Result<Reply, String> {
        let asking = request.header("authorization").and_then(Asking::of);
        let asking = asking.ok_or("the token endpoint was asked without a client's credentials")?;
        match self.asked.fetch_add(1, Ordering::Relaxed) % 16 {
            7 => return Ok(Reply::status(503)),
            15 => return Ok(Reply::reset_before_head()),
            _ => {}
        }
        let number = 1 + self.issued.fetch_add(1, Ordering::Relaxed);
        let lifetime = if asking == Asking::Brief && number.is_multiple_of(2) { 2 } else { 3600 };
        let json = format!(
            r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{lifetime}}}"#
        );
        Ok(Reply::ok(json).header("content-type", "application/json"))
    }

    pub(crate) fn worth(&self, authorization: &str) -> Worth {
        let number = authorization.strip_prefix("Bearer token-").and_then(|text| text.parse().ok());
        match number {
            Some(number) if (1..=self.issued()).contains(&number) => {
                if number <= *self.lock() {
                    Worth::Revoked
                } else {
                    Worth::Good(number)
                }
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
