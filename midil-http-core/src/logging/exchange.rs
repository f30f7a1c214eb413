//! [`Exchange`]: what is told of one request and its response.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method};

use super::capture::{Capture, Of, Subject};
use super::level::{LogLevel, log_at};
use super::shown_body::{is_text, is_token_request, media_type};
use super::{Headers, Settings};
use crate::body::Listener;
use crate::{Body, Error, Request, Runtime, redact};

/// A request under way.
pub(super) struct Exchange<'a> {
    settings: &'a Arc<Settings>,
    runtime: &'a dyn Runtime,
    started: Instant,
    /// When the total timeout drops it.
    deadline: Option<Instant>,
    /// `GET https://api.example.com/users?…`
    what: Arc<str>,
    headers: Option<String>,
    is_head: bool,
    is_token_request: bool,
    over: bool,
}

impl<'a> Exchange<'a> {
    /// Tells of the request, and listens to its body.
    pub(super) fn begin(
        settings: &'a Arc<Settings>,
        request: &mut Request,
        runtime: &'a dyn Runtime,
    ) -> Self {
        let what = format!("{} {}", request.method(), settings.query.show(request.url()));
        let exchange = Self {
            settings,
            runtime,
            started: runtime.now(),
            deadline: request.head().deadline,
            what: what.into(),
            headers: shown(&settings.request_headers, request.headers()),
            is_head: request.method() == Method::HEAD,
            is_token_request: settings.response_bodies > 0 && is_token_request(request),
            over: false,
        };
        let (what, headers) = (&exchange.what, exchange.headers.as_deref());
        log_at!(settings.request, { request = %what, request.headers = headers }, "HTTP request");
        exchange.listen(request);
        exchange
    }

    fn listen(&self, request: &mut Request) {
        if self.settings.request_bodies == 0
            || !self.settings.body_level.is_heard()
            || request.body().is_empty()
        {
            return;
        }
        // What does not say what it is goes out as JSON.
        let is_said = request.headers().contains_key(http::header::CONTENT_TYPE);
        let media_type = match media_type(request.headers()) {
            Some(media_type) => media_type,
            None if is_said => return,
            None => "application/json".to_owned(),
        };
        let Some(subject) =
            self.subject(Of::Request, &media_type, self.settings.request_bodies, false)
        else {
            return;
        };
        // What is in memory needs no listener, and the request stays as it was.
        if let Some(bytes) = request.body().as_bytes() {
            let mut capture = Capture::new(subject);
            capture.data(bytes);
            capture.over(Some(Ok(())));
            return;
        }
        let body = std::mem::take(request.body_mut());
        *request.body_mut() =
            body.tapped(Arc::new(move || Box::new(Capture::new(subject.clone()))), false);
    }

    fn subject(&self, of: Of, media_type: &str, limit: usize, secret: bool) -> Option<Subject> {
        is_text(media_type).then(|| Subject {
            settings: Arc::clone(self.settings),
            of,
            what: Arc::clone(&self.what),
            media_type: media_type.into(),
            limit,
            secret,
        })
    }

    /// Tells what came of it, and listens to the response's body.
    pub(super) fn end(
        &mut self,
        outcome: Result<http::Response<Body>, Error>,
    ) -> Result<http::Response<Body>, Error> {
        self.over = true;
        match outcome {
            Ok(response) => {
                let status = response.status();
                let level = match () {
                    () if status.is_server_error() => self.settings.failure,
                    () if status.is_client_error() => self.settings.client_error,
                    () => self.settings.success,
                };
                if level.is_heard() {
                    let headers = shown(&self.settings.response_headers, response.headers());
                    self.tell(level, Some(status.as_u16()), None, headers.as_deref());
                }
                Ok(self.listen_to(response))
            }
            Err(error) => {
                let level = self.settings.failure;
                if level.is_heard() {
                    let said = (error.kind(), error.to_string());
                    self.tell(
                        level,
                        error.status().map(|status| status.as_u16()),
                        Some(said),
                        None,
                    );
                }
                Err(error)
            }
        }
    }

    fn listen_to(&self, response: http::Response<Body>) -> http::Response<Body> {
        let limit = self.settings.response_bodies;
        if limit == 0
            || !self.settings.body_level.is_heard()
            || self.is_head
            || http_body::Body::is_end_stream(response.body())
        {
            return response;
        }
        let subject = media_type(response.headers()).and_then(|media_type| {
            self.subject(Of::Response, &media_type, limit, self.is_token_request)
        });
        match subject {
            Some(subject) => response.map(|body| {
                body.tapped(Arc::new(move || Box::new(Capture::new(subject.clone()))), true)
            }),
            None => response,
        }
    }

    fn tell(
        &self,
        level: LogLevel,
        status: Option<u16>,
        error: Option<(&'static str, String)>,
        response_headers: Option<&str>,
    ) {
        let took: Duration = self.runtime.now().saturating_duration_since(self.started);
        let (kind, message) = error.unzip();
        log_at!(
            level,
            {
                request = %self.what,
                http.response.status_code = status.map(i64::from),
                "error.type" = kind,
                error.message = message.as_deref(),
                ?took,
                request.headers = self.headers.as_deref(),
                response.headers = response_headers,
            },
            "HTTP exchange"
        );
    }
}

impl Drop for Exchange<'_> {
    /// Nobody waited for what would come of it, or no longer.
    fn drop(&mut self) {
        if !self.over && self.settings.client_error.is_heard() {
            let is_late = self.deadline.is_some_and(|deadline| deadline <= self.runtime.now());
            let why = if is_late {
                ("Timeout", "dropped when the call's total timeout was over")
            } else {
                ("Cancelled", "dropped before there was a response")
            };
            let why = (why.0, why.1.to_owned());
            self.tell(self.settings.client_error, None, Some(why), None);
        }
    }
}

/// The headers as they are logged; `None` where there are none to log.
fn shown(choice: &Headers, headers: &HeaderMap) -> Option<String> {
    let mut text = String::new();
    for (name, value) in headers {
        let wanted = match choice {
            Headers::All => true,
            Headers::Of(names) => names.contains(name),
        };
        if wanted {
            let separator = if text.is_empty() { "" } else { "; " };
            // Text has room.
            let _ =
                write!(text, "{separator}{name}: {}", redact::header(name, value).escape_debug());
        }
    }
    (!text.is_empty()).then_some(text)
}
