//! Slot 9: credentials, with a single replay after a 401.

use std::future::poll_fn;
use std::task::Poll;

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{AttemptScope, cookies, observed, timeout};
use crate::body::{DRAIN_TIME, buffer, drain};
use crate::client::Shared;
use crate::{Alarm, AuthNHeaders, AuthNProvider, Body, Error, Phase, Request, RequestHead};

/// The provider whose credentials this request gets; `None` for a foreign origin, or when the caller brings their own.
pub(super) fn provider<'a>(
    client: &'a Shared,
    head: &RequestHead,
    at_home: bool,
) -> Option<&'a dyn AuthNProvider> {
    let provider = client.auth.as_deref()?;
    let wanted = head.settings().and_then(|settings| settings.authenticate).unwrap_or(true);
    // Whether it is at home was asked before.
    let trusted = (at_home && client.has_base()) || client.may_authenticate(&head.url);
    (wanted && trusted && !head.headers.contains_key(header::AUTHORIZATION)).then_some(provider)
}

/// Authenticates the request, and once more when the server rejects the credentials.
pub(super) async fn authenticate(
    scope: &AttemptScope<'_>,
    mut request: Request,
    alarm: Option<&Alarm<'_>>,
) -> Result<http::Response<Body>, Error> {
    let untouched = scope.is_untouched(&request);
    // Base headers and those of providers are marked when they are made.
    if !untouched || !scope.template.headers().is_empty() {
        cookies::hide_sent(&mut request);
    }
    let mut credentials = None;
    if let Some(provider) = scope.provider.filter(|_| untouched || may_apply(scope, &request)) {
        // Middleware may have changed the request; then the replay cannot be built from the template.
        let changed = !untouched && !scope.is_as_built(&request);
        let spare = changed.then(|| Box::new((request.head().clone(), request.body().lend())));
        let jar = cookies::attach(scope, &mut request);
        scope.call.enter_phase(Phase::Credentials);
        let headers = provider.get_headers(request.head()).await?;
        let pristine = untouched && scope.template.headers().is_empty();
        apply(scope, &mut request, &headers, jar, pristine)?;
        observed::credentials(scope.call, &request, &headers);
        credentials = Some((provider, headers, spare));
    } else {
        cookies::attach(scope, &mut request);
        set_content_type(&mut request, None);
    }
    let outcome = timeout::exchange(scope, request, alarm).await;
    let is_rejected =
        outcome.as_ref().is_ok_and(|response| response.status() == StatusCode::UNAUTHORIZED);
    match credentials {
        // Boxed, because it is rare: no call should carry room for it.
        Some((provider, headers, spare)) if is_rejected => {
            Box::pin(rejected(scope, alarm, provider, headers, spare, outcome?)).await
        }
        _ => outcome,
    }
}

/// A request as middleware made it, without credentials, and its body while nobody has read from it.
type Spare = Box<(RequestHead, Option<Body>)>;

/// Tells the provider that the server rejected its credentials, and sends the request once more where that can be done.
async fn rejected(
    scope: &AttemptScope<'_>,
    alarm: Option<&Alarm<'_>>,
    provider: &dyn AuthNProvider,
    headers: AuthNHeaders,
    spare: Option<Spare>,
    response: http::Response<Body>,
) -> Result<http::Response<Body>, Error> {
    provider.invalidate(&headers);
    let request = match spare.map(|spare| *spare) {
        Some((head, body)) => {
            body.filter(Body::is_whole).map(|body| Request::from_parts(head, body))
        }
        None => scope.template.body().is_whole().then(|| scope.request()).transpose()?,
    };
    let request = request.filter(|_| scope.call.claim_replay());
    tracing::debug!(
        target: "midil_http::auth",
        { http.response.status_code = 401_i64, replayable = request.is_some() },
        "HTTP credentials rejected"
    );
    match request {
        Some(request) => replay(scope, alarm, provider, request, response, &headers).await,
        None => Ok(response),
    }
}

/// Whether the request is still one for the provider: middleware may have brought credentials, or changed the URL.
fn may_apply(scope: &AttemptScope<'_>, request: &Request) -> bool {
    let client = scope.call.client;
    let brought = request.headers().get(header::AUTHORIZATION).is_some_and(|value| {
        !client.headers.iter().any(|(name, base)| name == header::AUTHORIZATION && base == value)
    });
    !brought && client.may_authenticate(request.url())
}

/// Sends the request once more, with new credentials. Where none can be had but those that were rejected, the 401 stands.
async fn replay(
    scope: &AttemptScope<'_>,
    alarm: Option<&Alarm<'_>>,
    provider: &dyn AuthNProvider,
    mut request: Request,
    mut rejected: http::Response<Body>,
    old: &AuthNHeaders,
) -> Result<http::Response<Body>, Error> {
    let jar = cookies::attach(scope, &mut request);
    scope.call.enter_phase(Phase::Credentials);
    let runtime = &*scope.call.client.runtime;
    let new = {
        let mut fresh = provider.get_headers(request.head());
        // A provider that answers at once may have nothing else to offer. One that has to fetch must not wait for the
        // connection that an unread 401 holds: what it says is kept, should there be no other answer.
        match poll_fn(|context| Poll::Ready(fresh.as_mut().poll(context))).await {
            Poll::Ready(new) => new,
            Poll::Pending => {
                let body = std::mem::take(rejected.body_mut());
                *rejected.body_mut() = buffer(body, runtime, DRAIN_TIME).await;
                fresh.await
            }
        }
    };
    let new = match new {
        Ok(new) if !new.same_credentials(old) => new,
        Ok(_) => return Ok(rejected),
        Err(error) => {
            tracing::debug!(target: "midil_http::auth", %error, "HTTP credentials cannot be replaced");
            return Ok(rejected);
        }
    };
    drain(rejected.into_body(), runtime).await;
    apply(scope, &mut request, &new, jar, false)?;
    observed::credentials(scope.call, &request, &new);
    let response = timeout::exchange(scope, request, alarm).await?;
    if response.status() == StatusCode::UNAUTHORIZED {
        provider.invalidate(&new);
    }
    Ok(response)
}

/// Puts credentials on a request: over the client's base headers, under what the request set itself. `pristine` says that this is
/// nothing, and that middleware has added nothing.
fn apply(
    scope: &AttemptScope<'_>,
    request: &mut Request,
    headers: &AuthNHeaders,
    jar: Option<cookies::Attached>,
    pristine: bool,
) -> Result<(), Error> {
    // A provider's cookies are put beside those of the jar, and not in their place.
    let jar = jar.filter(|_| headers.iter().any(|(name, _)| name == header::COOKIE));
    let detached = jar.map(|jar| jar.detach(request)).is_some();
    let own = scope.template.headers();
    let base = &scope.call.client.headers;
    let from_base = |request: &Request, name: &HeaderName| {
        let sent = request.headers().get(name);
        !own.contains_key(name)
            && base.iter().any(|(base, value)| base == name && sent == Some(value))
    };
    // All that is there is of the base then, or what announces encodings: nobody need look for it.
    let is_taken = |request: &Request, name: &HeaderName| {
        (!pristine || *name == header::ACCEPT_ENCODING)
            && request.headers().contains_key(name)
            && !from_base(request, name)
    };
    // What the request or middleware set wins. Nearly always nothing, which takes no memory.
    let taken: Vec<&HeaderName> =
        headers.iter().map(|(name, _)| name).filter(|name| is_taken(request, name)).collect();
    let full = |_| crate::BuildError::new("headers", "are too many for one request: send fewer");
    for (index, (name, value)) in
        headers.iter().enumerate().filter(|(_, (name, _))| !taken.contains(name))
    {
        if headers.iter().take(index).any(|(before, _)| before == name) {
            request.headers_mut().try_append(name, value.clone()).map_err(full)?;
        } else {
            request.headers_mut().try_insert(name, value.clone()).map_err(full)?;
        }
    }
    if detached {
        cookies::attach(scope, request);
    }
    set_content_type(request, headers.content_type());
    Ok(())
}

/// A body that does not say what it is, is what the provider says, or JSON.
fn set_content_type(request: &mut Request, default: Option<&HeaderValue>) {
    if !request.body().is_empty() && !request.headers().contains_key(header::CONTENT_TYPE) {
        let value = default.cloned().unwrap_or(HeaderValue::from_static("application/json"));
        request.headers_mut().insert(header::CONTENT_TYPE, value);
    }
}
