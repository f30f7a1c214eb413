//! The line of JSON that tells what came of a call.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode, Version};
use midil_http::{Error, LastOutcome};
use serde::Serialize;
use serde_json::{Value, json};

/// What came of one call; the fields in the order in which they are printed.
#[derive(Debug, Serialize)]
pub struct Line {
    pub status: Option<u16>,
    pub attempts: u32,
    pub elapsed_ms: f64,
    pub url: String,
    pub http_version: Option<String>,
    pub headers: BTreeMap<String, Vec<String>>,
    pub body_bytes: u64,
    pub body: Option<String>,
    pub error: Option<Value>,
}

impl Line {
    /// A call that has not come to anything yet.
    pub fn new(url: &str) -> Self {
        Self {
            status: None,
            attempts: 0,
            elapsed_ms: 0.0,
            url: url.to_owned(),
            http_version: None,
            headers: BTreeMap::new(),
            body_bytes: 0,
            body: None,
            error: None,
        }
    }

    /// Notes the head of a response.
    pub fn head(&mut self, status: StatusCode, version: Version, headers: &HeaderMap) {
        self.status = Some(status.as_u16());
        self.http_version = Some(format!("{version:?}"));
        self.headers.clear();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            self.headers.entry(name.to_string()).or_default().push(value);
        }
    }

    /// Notes the body that arrived.
    pub fn body(&mut self, bytes: &[u8]) {
        self.body_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.body = Some(String::from_utf8_lossy(bytes).into_owned());
    }

    /// Notes the error that the call ended in, and the last response where there was one.
    pub async fn fail(&mut self, error: Error) {
        let mut json = describe(&error);
        if let Some(status) = error.status() {
            self.status = Some(status.as_u16());
        }
        match error {
            Error::Status(error) => {
                self.head(error.status(), self.version(), error.headers());
                self.body(error.body());
            }
            Error::RetryExhausted(exhausted) => {
                json["reason"] = exhausted.reason().to_string().into();
                json["last"] = match exhausted.last() {
                    LastOutcome::Error(error) => describe(error),
                    LastOutcome::Response(response) => json!({ "status": response.status().as_u16() }),
                };
                if let Some((head, body)) = crate::run::last_response(exhausted.into_last()).await {
                    self.head(head.status, head.version, &head.headers);
                    self.body(&body);
                }
            }
            _ => {}
        }
        self.error = Some(json);
    }

    fn version(&self) -> Version {
        match self.http_version.as_deref() {
            Some("HTTP/2.0") => Version::HTTP_2,
            Some("HTTP/1.0") => Version::HTTP_10,
            _ => Version::HTTP_11,
        }
    }
}

/// Kind, message and causes of an error.
fn describe(error: &Error) -> Value {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    json!({ "kind": error.kind(), "message": error.to_string(), "causes": causes })
}
