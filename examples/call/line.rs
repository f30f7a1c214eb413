//! The line of JSON that tells what came of a call.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode, Version};
use midil_http::{Error, LastOutcome, decode_text};
use serde::Serialize;

/// What came of one call; the fields in the order in which they are printed.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
    pub(crate) elapsed_ms: f64,
    pub(crate) url: String,
    pub(crate) http_version: Option<String>,
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body_bytes: u64,
    pub(crate) body: Option<String>,
    pub(crate) error: Option<Failure>,
}

/// An error, for the line.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    kind: &'static str,
    message: String,
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Last>,
}

/// What the last attempt of a call that gave up came to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Last {
    Response { status: u16 },
    Error(Box<Failure>),
}

impl Line {
    /// A call that has not come to anything yet.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            status: None,
            attempts: 0,
            elapsed_ms: 0.0,
            url: without_userinfo(url),
            http_version: None,
            headers: BTreeMap::new(),
            body_bytes: 0,
            body: None,
            error: None,
        }
    }

    /// Notes the head of a response.
    pub(crate) fn head(&mut self, status: StatusCode, version: Version, headers: &HeaderMap) {
        self.status = Some(status.as_u16());
        self.http_version = Some(format!("{version:?}"));
        self.headers.clear();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            self.headers.entry(name.to_string()).or_default().push(value);
        }
    }

    /// Notes the body that arrived.
    pub(crate) fn body(&mut self, headers: &HeaderMap, bytes: &[u8]) {
        self.body_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.body = Some(decode_text(headers, bytes));
    }

    /// Notes the error that the call ended in, and the last response where there was one.
    pub(crate) async fn fail(&mut self, error: Error) {
        let mut failure = Failure::of(&error);
        if let Some(status) = error.status() {
            self.status = Some(status.as_u16());
        }
        match error {
            Error::Status(error) => {
                self.head(error.status(), self.version(), error.headers());
                self.body(error.headers(), error.body());
            }
            Error::RetryExhausted(exhausted) => {
                failure.reason = Some(exhausted.reason().to_string());
                failure.last = Some(match exhausted.last() {
                    LastOutcome::Error(error) => Last::Error(Box::new(Failure::of(error))),
                    LastOutcome::Response(response) => {
                        Last::Response { status: response.status().as_u16() }
                    }
                });
                if let Some((head, body)) = crate::run::last_response(exhausted.into_last()).await {
                    self.head(head.status, head.version, &head.headers);
                    self.body(&head.headers, &body);
                }
            }
            _ => {}
        }
        self.error = Some(failure);
    }

    fn version(&self) -> Version {
        match self.http_version.as_deref() {
            Some("HTTP/2.0") => Version::HTTP_2,
            Some("HTTP/1.0") => Version::HTTP_10,
            _ => Version::HTTP_11,
        }
    }
}

impl Failure {
    /// Kind, message and causes of an error.
    fn of(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { kind: error.kind(), message: error.to_string(), causes, reason: None, last: None }
    }
}

/// A URL as it was typed, without its userinfo.
fn without_userinfo(url: &str) -> String {
    let start = url.find("//").map_or(0, |at| at + 2);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let host = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
    format!("{}{}", &url[..start], &url[host..])
}
