//! The other side: it takes what is signed, and nothing else.
//!
//! Written after [Amazon's description], without the crate that signs: that both agree shows that what is signed is what
//! is sent.
//!
//! [Amazon's description]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use midil_http_test::fault_server::{FaultServer, Received, Reply};
use sha2::{Digest, Sha256};

/// Answers 403 to what is not signed with `key`, 503 to the first of the others, and 200.
pub(crate) fn start(key: &'static str) -> FaultServer {
    let busy = AtomicBool::new(true);
    FaultServer::respond_with(move |request| {
        if !is_signed(request, key) {
            return Reply::status(403).body("SignatureDoesNotMatch");
        }
        // Signatures hold the second of their making.
        match busy.swap(false, Ordering::Relaxed) {
            true => Reply::status(503).header("retry-after", "1"),
            false => Reply::ok("[]"),
        }
    })
}

/// The signatures that came, in their order.
pub(crate) fn signatures(server: &FaultServer) -> Vec<String> {
    let signature = |request: &Received| {
        let (_, signature) = request.header("authorization")?.split_once("Signature=")?;
        Some(signature.to_owned())
    };
    server.requests().iter().filter_map(signature).collect()
}

fn is_signed(request: &Received, key: &str) -> bool {
    expected(request, key)
        .is_some_and(|expected| request.header("authorization") == Some(expected.as_str()))
}

/// The `Authorization` that the request should have, by the key id, the scope and the headers that it names.
fn expected(request: &Received, key: &str) -> Option<String> {
    let authorization = request.header("authorization")?;
    let field = |name: &str| {
        let (_, rest) = authorization.split_once(name)?;
        rest.split(',').next()
    };
    let credential = field("Credential=")?;
    let signed_headers = field("SignedHeaders=")?;
    let (_, scope) = credential.split_once('/')?;

    let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
    let mut canonical = format!("{}\n{}\n{}\n", request.method(), encode(path), sorted(query));
    for name in signed_headers.split(';') {
        let values: Vec<_> = request.headers_named(name).map(str::trim).collect();
        writeln!(canonical, "{name}:{}", values.join(",")).ok()?;
    }
    write!(canonical, "\n{signed_headers}\nUNSIGNED-PAYLOAD").ok()?;

    let date = request.header("x-amz-date")?;
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut signature = format!("AWS4{key}").into_bytes();
    for part in scope.split('/').chain([to_sign.as_str()]) {
        signature = hmac(&signature, part)?;
    }
    let signature = hex(&signature);
    Some(format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"
    ))
}

/// A path is encoded once more than it is sent.
fn encode(path: &str) -> String {
    path.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Parameters by name, encoded in the one way that Amazon has for it.
fn sorted(query: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let encode = |text: &str| encode(text).replace('/', "%2F");
    let mut pairs: Vec<_> =
        pairs.map(|(name, value)| format!("{}={}", encode(&name), encode(&value))).collect();
    pairs.sort();
    pairs.join("&")
}

fn hmac(key: &[u8], text: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
