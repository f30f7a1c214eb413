//! [`Capture`]: the beginning of a body, kept as it passes, and told of when it is over.

use std::sync::Arc;

use bytes::Bytes;

use super::Settings;
use super::level::{LogLevel, log_at};
use crate::Error;
use crate::body::Listener;

/// Whose body it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Request,
    Response,
}

/// What is known of a body before it is read.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) settings: Arc<Settings>,
    pub(super) of: Of,
    pub(super) what: Arc<str>,
    pub(super) media_type: Arc<str>,
    pub(super) limit: usize,
    /// Nothing of it is shown, whatever it is.
    pub(super) secret: bool,
}

/// Listens to a body.
pub(super) struct Capture {
    subject: Subject,
    kept: Vec<u8>,
    bytes: u64,
}

impl Capture {
    pub(super) const fn new(subject: Subject) -> Self {
        Self { subject, kept: Vec::new(), bytes: 0 }
    }

    fn text(&self) -> Option<String> {
        if self.subject.secret {
            return None;
        }
        let text = match std::str::from_utf8(&self.kept) {
            Ok(text) => text,
            // A character that the limit has cut; else it is no UTF-8, and may be anything.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&self.kept[..error.valid_up_to()]).ok()?
            }
            Err(_) => return None,
        };
        self.subject.settings.redact(&self.subject.media_type, text)
    }
}

impl Listener for Capture {
    fn data(&mut self, data: &Bytes) {
        let room = self.subject.limit.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&data[..data.len().min(room)]);
        self.bytes = self.bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
    }

    fn over(&mut self, end: Option<Result<(), &Error>>) {
        let end = match end {
            Some(Ok(())) => "complete",
            Some(Err(error)) => error.kind(),
            None => "dropped",
        };
        let Subject { settings, what, media_type, of, .. } = &self.subject;
        let shown = self.text();
        let text = shown.as_deref().unwrap_or("not shown");
        let cut = u64::try_from(self.kept.len()).is_ok_and(|kept| kept < self.bytes);
        let bytes = self.bytes;
        match of {
            Of::Request => log_at!(
                settings.body_level,
                { request = %what, media_type = %media_type, bytes, end, cut, body = text },
                "HTTP request body"
            ),
            Of::Response => log_at!(
                settings.body_level,
                { request = %what, media_type = %media_type, bytes, end, cut, body = text },
                "HTTP response body"
            ),
        }
    }
}
