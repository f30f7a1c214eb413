//! [`Exchange`]: one request on its way through the mock.

use std::sync::Arc;
use std::task::Waker;

use bytes::BytesMut;
use http::Response;
use midil_http_core::{Body, Error, RequestHead};

use super::reply::Reply;
use super::request::RecordedRequest;
use super::script::ExchangeState;
use super::{Shared, report};

/// Writes down how far it came, also when it is dropped.
pub(super) struct Exchange<'a> {
    shared: &'a Shared,
    number: usize,
    body: BytesMut,
    body_complete: bool,
}

impl<'a> Exchange<'a> {
    /// Records a request, and finds the reply that is due.
    pub(super) fn begin(shared: &'a Shared, head: RequestHead) -> (Self, Option<Arc<Reply>>) {
        let matchers = shared.lock().matchers();
        let fits = Vec::from_iter(matchers.iter().map(|matcher| matcher.fits(&head)));
        let mut script = shared.lock();
        let (rule, reply) = script.choose(&fits).unzip();
        let (number, watchers) = script.record(head, rule);
        drop(script);
        watchers.into_iter().for_each(Waker::wake);
        (Self { shared, number, body: BytesMut::new(), body_complete: false }, reply)
    }

    /// The error of a request that nothing is said for.
    pub(super) fn unexpected(&self) -> Error {
        Error::custom(report::unexpected(&self.shared.lock(), self.number))
    }

    /// Reads the body to its end.
    pub(super) async fn read(&mut self, body: &mut Body) -> Result<(), Error> {
        loop {
            match body.chunk().await {
                Ok(Some(data)) => self.body.extend_from_slice(&data),
                Ok(None) => {
                    self.body_complete = true;
                    self.note_body();
                    return Ok(());
                }
                Err(error) => {
                    self.note(ExchangeState::Answered(format!(
                        "its body failed: {}",
                        error.kind()
                    )));
                    return Err(error);
                }
            }
        }
    }

    /// The request as it is recorded.
    pub(super) fn request(&self) -> RecordedRequest {
        self.shared.lock().exchanges()[self.number].request.clone()
    }

    pub(super) fn end(&self, outcome: &Result<Response<Body>, Error>) {
        self.note(ExchangeState::Answered(match outcome {
            Ok(response) => response.status().to_string(),
            Err(error) => format!("error {}", error.kind()),
        }));
    }

    fn note(&self, state: ExchangeState) {
        self.shared.lock().exchange_mut(self.number).state = state;
    }

    fn note_body(&mut self) {
        let body = std::mem::take(&mut self.body).freeze();
        let complete = self.body_complete;
        self.shared.lock().exchange_mut(self.number).request.set_body(body, complete);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if !self.body_complete && !self.body.is_empty() {
            self.note_body();
        }
        let mut script = self.shared.lock();
        let state = &mut script.exchange_mut(self.number).state;
        if matches!(state, ExchangeState::InFlight) {
            *state = ExchangeState::Dropped;
        }
    }
}
