//! [`Seal`]: tokens that a store can neither read nor make.
//!
//! ```text
//! sealed  = version (1 byte) | nonce (24) | XChaCha20-Poly1305(plaintext) | tag (16)
//! plain   = issued at (Unix, ms, 8 bytes) | lifetime (ms, 8) | length of the type (4) | type | token
//! bound   = version, name (associated data)
//! key     = HKDF-SHA256(client secret, "… v1 key"  + id of the credential), 32 bytes
//! name    = HKDF-SHA256(client secret, "… v1 name" + id of the credential), 16 bytes in hexadecimal
//! ```

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use midil_http_core::{AuthNToken, Secret};
use sha2::Sha256;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
// A label ends with NUL, so that no label and credential read as another label and credential.
const KEY: &[u8] = b"midil-auth token store v1 key\0";
const NAME: &[u8] = b"midil-auth token store v1 name\0";

/// The key of one credential with one secret, and the name that goes with it.
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    name: String,
}

/// A token, its lifetime, and when it began by the wall clock of the host that fetched it.
pub(super) struct Sealable {
    pub(super) access_token: Secret,
    pub(super) token_type: String,
    pub(super) lifetime: Duration,
    pub(super) issued_at: SystemTime,
}

impl Seal {
    /// `credential` says whose token of what authority it is, with which scopes.
    pub(super) fn new(secret: &Secret, credential: &str) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, secret.expose().as_bytes());
        let expand = |label, output: &mut [u8]| {
            hkdf.expand_multi_info(&[label, credential.as_bytes()], output)
                .expect("HKDF-SHA256 yields up to 8160 bytes");
        };
        let mut key = Zeroizing::new([0; 32]);
        expand(KEY, key.as_mut_slice());
        let mut name = [0; 16];
        expand(NAME, &mut name);
        let cipher = XChaCha20Poly1305::new(<&Key>::from(&*key));
        Self { cipher, name: hex(&name) }
    }

    /// What the token is called in the store.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The bytes for the store, or why there are none.
    pub(super) fn seal(&self, token: &Sealable) -> Result<Vec<u8>, &'static str> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|_| "the system has no randomness to seal it with")?;
        let plain = token.encode().ok_or("its type, lifetime or time of issue is out of range")?;
        let payload = Payload { msg: &plain, aad: &self.bound() };
        let encrypted = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| "it is too long to be sealed")?;
        Ok([&[VERSION], &nonce[..], &encrypted].concat())
    }

    /// What [`seal`](Self::seal) was given, or why this is nothing of ours.
    pub(super) fn open(&self, sealed: &[u8]) -> Result<Sealable, &'static str> {
        let (&version, rest) = sealed.split_first().ok_or("is empty")?;
        if version != VERSION {
            return Err("is of another version");
        }
        let (nonce, encrypted) = rest.split_first_chunk::<24>().ok_or("is truncated")?;
        let payload = Payload { msg: encrypted, aad: &self.bound() };
        let plain = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| "was not sealed with this credential and secret")?;
        Sealable::decode(&Zeroizing::new(plain)).ok_or("holds no token")
    }

    fn bound(&self) -> Vec<u8> {
        [&[VERSION], self.name.as_bytes()].concat()
    }
}

impl Sealable {
    /// `None` when a number does not fit.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (token, kind) = (self.access_token.expose().as_bytes(), self.token_type.as_bytes());
        let issued_at = self.issued_at.duration_since(UNIX_EPOCH).ok()?;
        // Made at its full length: a vector that grows leaves copies behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(20 + kind.len() + token.len()));
        plain.extend_from_slice(&milliseconds(issued_at)?.to_be_bytes());
        plain.extend_from_slice(&milliseconds(self.lifetime)?.to_be_bytes());
        plain.extend_from_slice(&u32::try_from(kind.len()).ok()?.to_be_bytes());
        plain.extend_from_slice(kind);
        plain.extend_from_slice(token);
        Some(plain)
    }

    fn decode(plain: &[u8]) -> Option<Self> {
        let (issued_at, rest) = plain.split_first_chunk()?;
        let (lifetime, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (kind, token) = rest.split_at_checked(length)?;
        let issued_at = Duration::from_millis(u64::from_be_bytes(*issued_at));
        Some(Self {
            access_token: str::from_utf8(token).ok()?.into(),
            token_type: str::from_utf8(kind).ok()?.to_owned(),
            lifetime: Duration::from_millis(u64::from_be_bytes(*lifetime)),
            issued_at: UNIX_EPOCH.checked_add(issued_at)?,
        })
    }

    /// The same token for this host, `age` old by its clock.
    pub(super) fn token(self, age: Duration, now: SystemTime) -> AuthNToken {
        AuthNToken::new(self.access_token)
            .with_token_type(self.token_type)
            .with_expires_in(self.lifetime)
            .with_issued_at(now.checked_sub(age).unwrap_or(UNIX_EPOCH))
    }
}

fn milliseconds(duration: Duration) -> Option<u64> {
    u64::try_from(duration.as_millis()).ok()
}

/// In hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Sealable {
        Sealable {
            access_token: "abc".into(),
            token_type: "Bearer".into(),
            lifetime: Duration::from_secs(3600),
            issued_at: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        }
    }

    #[test]
    fn what_is_sealed_opens_and_is_not_seen() {
        let seal = Seal::new(&"hunter2".into(), "client-7");
        let sealed = seal.seal(&token()).unwrap();
        let opened = seal.open(&sealed).unwrap();
        assert_eq!(opened.access_token.expose(), "abc");
        assert_eq!(opened.token_type, "Bearer");
        assert_eq!(opened.lifetime, token().lifetime);
        assert_eq!(opened.issued_at, token().issued_at);

        assert!(!sealed.windows(3).any(|three| three == b"abc"));
        assert_ne!(sealed, seal.seal(&token()).unwrap(), "a nonce of its own");
    }

    #[test]
    fn no_bit_can_be_changed_and_no_byte_be_missing() {
        let seal = Seal::new(&"hunter2".into(), "client-7");
        let sealed = seal.seal(&token()).unwrap();
        for bit in 0..8 * sealed.len() {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(seal.open(&forged).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(seal.open(&sealed[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn secret_and_credential_make_key_and_name() {
        let seal = Seal::new(&"hunter2".into(), "client-7");
        let sealed = seal.seal(&token()).unwrap();
        for other in [
            Seal::new(&"hunter3".into(), "client-7"),
            Seal::new(&"hunter2".into(), "client-8"),
            Seal::new(&"".into(), ""),
        ] {
            assert_ne!(seal.name(), other.name());
            assert!(other.open(&sealed).is_err());
        }
        // The name is bound, even if the keys were the same.
        let renamed = Seal { name: "another".into(), ..Seal::new(&"hunter2".into(), "client-7") };
        assert!(renamed.open(&sealed).is_err());
    }

    /// A change here leaves the hosts of the last release without the tokens of this one.
    #[test]
    fn name_and_format_are_those_of_version_1() {
        // Opened by Python's hmac and cryptography, too.
        const SEALED: &str = "0133e0687b39597501ced2d4aee7002947f0a22e7c9e76d684463c5161e2df732818f538\
            2a03aa8962e9675455eac4bd182677c5527ae48a24d9ee5a9401bdcf48c349170b95";
        let seal = Seal::new(&"hunter2".into(), "client-7");
        assert_eq!(seal.name(), "0e5acf2cc04f088dee5255f2494283a9");
        let opened = seal.open(&unhex(SEALED)).unwrap();
        assert_eq!(opened.access_token.expose(), "abc");
    }

    fn unhex(text: &str) -> Vec<u8> {
        let byte = |two: &[u8]| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap();
        text.as_bytes().chunks(2).map(byte).collect()
    }

    #[test]
    fn what_was_sealed_and_is_no_token_is_refused() {
        let plain = token().encode().unwrap();
        assert!(Sealable::decode(&plain).is_some());
        assert!((0..20 + 6).all(|length| Sealable::decode(&plain[..length]).is_none()));
        let mut long = plain.clone();
        long[16] = 0xFF;
        assert!(Sealable::decode(&long).is_none());
        let before_1970 = Sealable { issued_at: UNIX_EPOCH - Duration::from_secs(1), ..token() };
        assert!(before_1970.encode().is_none());
    }
}
