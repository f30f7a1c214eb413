//! Slot 6: the retry loop, and the request of each attempt.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use url::Url;

use super::{CallScope, auth, decompression, resumption};
use crate::origin::Origin;
use crate::retry::{Attempts, Chosen, Limits, Tries, retry};
use crate::{
    Alarm, AuthNProvider, Body, BuildError, CallSettings, Error, Next, Observer, Phase, Random,
    Request, RequestHead, RetryChoice, Runtime,
};

/// Sends `template` as often as the strategy of the call wants.
pub(super) async fn attempts(
    scope: &CallScope<'_>,
    template: &mut Request,
    left_origin: bool,
    alarm: Option<&Alarm<'_>>,
) -> Result<http::Response<Body>, Error> {
    let client = scope.client;
    let deadline = alarm.map(Alarm::at);
    let strategy = Chosen::of(template.head(), client.retry.as_deref());
    let limits = Limits {
        runtime: &*client.runtime,
        random: &client.random,
        started: scope.started,
        deadline,
    };
    let (hop, mut tries) = (Hop { scope, left_origin, alarm }, Tries::FIRST);
    let outcome = retry(&hop, template, &strategy, limits, &mut tries).await;
    if resumption::is_wanted(template.head()) && strategy.retries() {
        return outcome
            .map(|response| resumption::prepare(response, &hop, template, deadline, tries));
    }
    outcome
}

/// All attempts at one URL.
pub(super) struct Hop<'a> {
    pub(super) scope: &'a CallScope<'a>,
    /// A redirect led away from where the call began.
    pub(super) left_origin: bool,
    /// That of the total timeout.
    pub(super) alarm: Option<&'a Alarm<'a>>,
}

impl Attempts for Hop<'_> {
    async fn attempt(&self, template: &Request) -> Result<http::Response<Body>, Error> {
        let client = self.scope.client;
        let at_home = client.is_home(template.url(), self.left_origin);
        let provider = auth::provider(client, template.head(), at_home);
        let attempt = AttemptScope { call: self.scope, template, at_home, provider };
        self.scope.enter_phase(Phase::Queue);
        let request = attempt.request()?;
        match client.attempt_middleware.as_slice() {
            [] => auth::authenticate(&attempt, request, self.alarm).await,
            [first, rest @ ..] => {
                first.handle(request, Next::attempt(rest, &attempt, self.alarm)).await
            }
        }
    }

    fn waiting(&self) {
        self.scope.enter_phase(Phase::Backoff);
    }

    fn retrying(&self) {
        self.scope.count_retry();
    }

    fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.scope.observer()
    }

    fn total(&self, _: u32) -> u32 {
        self.scope.attempts()
    }
}

/// One attempt.
pub(crate) struct AttemptScope<'a> {
    pub(super) call: &'a CallScope<'a>,
    /// The request as the caller made it: what wins over base headers and credentials.
    pub(super) template: &'a Request,
    /// Whether the base headers go along: they are for the client's own server.
    at_home: bool,
    /// Whose credentials go along.
    pub(super) provider: Option<&'a dyn AuthNProvider>,
}

impl<'a> AttemptScope<'a> {
    pub(crate) fn runtime(&self) -> &'a dyn Runtime {
        self.call.runtime()
    }

    pub(crate) fn observer(&self) -> Option<&'a Arc<dyn Observer>> {
        self.call.observer()
    }

    pub(crate) fn random(&self) -> &'a Random {
        self.call.random()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.call.phase()
    }

    /// Whether `url` is the client's own server, or one that gets its credentials.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        let client = self.call.client;
        client.may_authenticate(url) || (self.at_home && Origin::of(self.template.url()).is_of(url))
    }

    /// Slots 8 and below.
    pub(crate) fn run<'s>(
        &'s self,
        request: Request,
        alarm: Option<&'s Alarm<'s>>,
    ) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send + use<'s, 'a> {
        auth::authenticate(self, request, alarm)
    }

    /// The request of this attempt, built once, with room for what is still to come.
    pub(crate) fn request(&self) -> Result<Request, Error> {
        let Some(body) = self.template.body().lend() else {
            return Err(crate::body::already_read());
        };
        let own = self.template.head();
        let mut head = RequestHead::new(own.method.clone(), own.url.clone());
        head.version = own.version;
        head.deadline = own.deadline;
        if !own.extensions.is_empty() {
            head.extensions = own.extensions.clone();
            // The call's own strategy is obeyed here; a transport that retries must not obey it once more.
            if let Some(settings) = head.extensions.get_mut::<CallSettings>() {
                settings.retry = settings.retry.take().map(|_| RetryChoice::Never);
            }
        }
        let full = |_| BuildError::new("headers", "are too many for one request: send fewer");
        head.headers.try_reserve(self.room()).map_err(full)?;
        for (name, value) in self.headers() {
            head.headers.try_append(name, value.clone()).map_err(full)?;
        }
        if let Some((name, value)) = self.accept_encoding() {
            head.headers.try_append(name, value.clone()).map_err(full)?;
        }
        Ok(Request::from_parts(head, body).untouched())
    }

    /// How many headers there will be, so that the map never grows. Not more: one with room for seven takes a kind of memory
    /// that is dearer to have.
    fn room(&self) -> usize {
        let (client, own) = (self.call.client, self.template);
        // What transports add is the host, and the length and the type of a body.
        let added = if own.body().is_empty() { 1 } else { 3 };
        own.headers().len()
            + client.headers.len()
            + added
            + usize::from(self.provider.is_some())
            + usize::from(client.accept_encoding.is_some())
            + usize::from(client.has_jar())
            // `traceparent`, `tracestate` and `baggage`.
            + if client.propagator.is_some() { 3 } else { 0 }
    }

    /// The headers of this attempt: own ones, then those of the base that are not set yet and belong there.
    fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let own = self.template.headers();
        let base = self.call.client.headers.iter().map(|(name, value)| (name, value));
        own.iter().chain(base.filter(|(name, _)| {
            let wanted = self.at_home || *name == header::USER_AGENT || *name == header::ACCEPT;
            wanted && (own.is_empty() || !own.contains_key(*name))
        }))
    }

    /// The last of them.
    fn accept_encoding(&self) -> Option<(&HeaderName, &HeaderValue)> {
        decompression::announced(self.call.client, self.template.head())
    }

    /// Whether nobody can have changed the request since it was built here, and not for another attempt: URL and body tell.
    pub(super) fn is_untouched(&self, request: &Request) -> bool {
        self.call.client.attempt_middleware.is_empty()
            || (request.is_untouched()
                && request.url() == self.template.url()
                && request.body().is_lent_from(self.template.body()))
    }

    /// Whether middleware left the request as it was built, so that it can be built again instead of being copied.
    pub(crate) fn is_as_built(&self, request: &Request) -> bool {
        let (own, head) = (self.template.head(), request.head());
        let comparable = head.extensions.is_empty() && own.extensions.is_empty();
        comparable
            && request.body().is_lent_from(self.template.body())
            && head.url == own.url
            && (request.is_untouched()
                || (head.method == own.method
                    && head.version == own.version
                    && head.headers.iter().eq(self.headers().chain(self.accept_encoding()))))
    }
}
