//! Part of slot 6: a download that breaks off goes on where it was ([RFC 9110, section 14]).
//!
//! The body that is handed over holds what it takes to ask for the rest: the client, the template of the last hop, and how
//! far the loop has come. When it breaks off, the loop goes on as if the attempt had come to that error only now; what it
//! sends is a range request, on the way of every attempt.
//!
//! [RFC 9110, section 14]: https://www.rfc-editor.org/rfc/rfc9110#section-14

mod body;
mod content_range;
mod resource;
mod validator;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::Method;
use tracing::Span;

use self::body::Resumable;
use self::resource::{Part, Resource};
use super::CallScope;
use super::call::Counts;
use super::retry::Hop;
use crate::client::Shared;
use crate::retry::{Attempts, Chosen, Limits, Tries, retry};
use crate::trace::client_span;
use crate::{
    Body, BuildError, Error, Observer, Request, RequestHead, Sent, TransportError,
    TransportErrorKind,
};

/// Whether the call is to be resumed where it can.
pub(super) fn is_wanted(head: &RequestHead) -> bool {
    head.settings().is_some_and(|settings| settings.resumable == Some(true))
}

/// Refuses to resume what is no download.
pub(crate) fn check(head: &RequestHead) -> Result<(), BuildError> {
    if is_wanted(head) && head.method != Method::GET {
        let problem = "is for GET alone: make this request without it";
        return Err(BuildError::new("resumable", problem));
    }
    Ok(())
}

/// Puts what it takes to go on around the response's body, if it can be told for sure what its rest is.
pub(super) fn prepare(
    response: http::Response<Body>,
    hop: &Hop<'_>,
    template: &Request,
    deadline: Option<Instant>,
    tries: Tries,
) -> http::Response<Body> {
    let head = template.head();
    let found = Resource::begin(head, &response)
        .filter(|_| head.method == Method::GET && !http_body::Body::is_end_stream(response.body()));
    let (Some((resource, part)), Some(body)) = (found, template.body().lend()) else {
        return response;
    };
    let plan = Box::new(Plan {
        client: Arc::clone(hop.scope.client),
        template: Request::from_parts(head.clone(), body),
        left_origin: hop.left_origin,
        started: hop.scope.started,
        deadline,
        tries,
        counts: hop.scope.counts(),
        span: hop.scope.span.clone(),
        resource,
    });
    response.map(|body| Body::wrap(Resumable::new(body, part, plan)))
}

/// How to go on.
struct Plan {
    client: Arc<Shared>,
    template: Request,
    left_origin: bool,
    started: Instant,
    deadline: Option<Instant>,
    tries: Tries,
    counts: Counts,
    /// That of the call.
    span: Span,
    resource: Resource,
}

impl Plan {
    /// Asks for the rest, given what the download broke off with.
    async fn resume(mut self: Box<Self>, broke: Error) -> Result<(Body, Part, Box<Self>), Error> {
        let span = self.span.clone();
        let rest = {
            let mut rest = pin!(self.attempts(broke));
            poll_fn(|cx| span.in_scope(|| rest.as_mut().poll(cx))).await
        };
        client_span::record_resends(&span, self.counts.resends());
        let mut response = rest?;
        let Some(part) = response.extensions_mut().remove::<Part>() else {
            let status = response.status().as_u16();
            return Err(not_resumed(format!(
                "{RANGE_REQUEST}, for the server answered with status {status}"
            )));
        };
        self.resource.accept(&part);
        Ok((response.into_body(), part, self))
    }

    /// The loop, from where it was.
    async fn attempts(&mut self, broke: Error) -> Result<http::Response<Body>, Error> {
        self.resource.ask(self.template.head_mut())?;
        let (head, span) = (self.template.head(), self.span.clone());
        let scope = CallScope::resumed(&self.client, head, self.started, span, self.counts);
        let strategy = Chosen::of(self.template.head(), self.client.retry.as_deref());
        let limits = Limits {
            runtime: &*self.client.runtime,
            random: &self.client.random,
            started: self.started,
            deadline: self.deadline,
        };
        let attempts = Resumption {
            hop: Hop { scope: &scope, left_origin: self.left_origin, alarm: None },
            resource: &self.resource,
            broke: Mutex::new(Some(broke)),
        };
        self.tries = self.tries.resumed();
        let outcome =
            retry(&attempts, &mut self.template, &strategy, limits, &mut self.tries).await;
        self.counts = scope.counts();
        outcome
    }
}

/// Attempts to get the rest.
struct Resumption<'a> {
    hop: Hop<'a>,
    resource: &'a Resource,
    /// What the attempt that was made before came to: the first outcome of the loop.
    broke: Mutex<Option<Error>>,
}

impl Attempts for Resumption<'_> {
    async fn attempt(&self, template: &Request) -> Result<http::Response<Body>, Error> {
        let broke = self.broke.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(error) = broke {
            return Err(error);
        }
        let mut response = self.hop.attempt(template).await?;
        if let Some(part) = self.resource.locate(&response) {
            response.extensions_mut().insert(part?);
        }
        Ok(response)
    }

    fn waiting(&self) {
        self.hop.waiting();
    }

    fn retrying(&self) {
        self.hop.retrying();
    }

    fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.hop.observer()
    }

    fn total(&self, number: u32) -> u32 {
        self.hop.total(number)
    }
}

/// How every message begins.
const RANGE_REQUEST: &str = "the download broke off and could not be resumed";

fn not_resumed(message: String) -> Error {
    TransportError::new(TransportErrorKind::NotResumed, Sent::Maybe, message).into()
}
