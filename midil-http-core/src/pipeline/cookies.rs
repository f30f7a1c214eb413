//! Slot 8: cookies.
//!
//! Those that a request sets itself are in its headers by now; those of the client's jar are put beside them, for each attempt
//! anew. The template of the attempts has none of the jar's, so that no hop and no replay has to remember whose they were.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::AttemptScope;
use crate::client::Shared;
use crate::header_input::join_cookies;
use crate::{Body, Request};

/// Adds the jar's cookies for the request's URL; tells what to do to take them off again, when there were any.
#[cfg(feature = "cookies")]
pub(super) fn attach(scope: &AttemptScope<'_>, request: &mut Request) -> Option<Attached> {
    let jar = scope.call.client.jar.as_ref()?;
    let own = request.headers().get(header::COOKIE);
    let all = jar.header(request.url(), own)?;
    // A map that is full keeps what it has: the request is sent without.
    let before = request.headers_mut().try_insert(header::COOKIE, all).ok()?;
    Some(Attached(before))
}

/// There is no jar.
#[cfg(not(feature = "cookies"))]
pub(super) const fn attach(_: &AttemptScope<'_>, _: &mut Request) -> Option<Attached> {
    None
}

/// The `Cookie` that a request had before the jar's were added.
pub(super) struct Attached(Option<HeaderValue>);

impl Attached {
    /// Takes the jar's cookies off.
    pub(super) fn detach(self, request: &mut Request) {
        request.headers_mut().remove(header::COOKIE);
        if let Some(own) = self.0 {
            request.headers_mut().insert(header::COOKIE, own);
        }
    }
}

/// Whom a request goes to, for a jar to learn what its answer sets; nobody when there is no jar.
pub(super) struct Visit(#[cfg(feature = "cookies")] Option<Box<url::Url>>);

impl Visit {
    #[cfg(feature = "cookies")]
    pub(super) fn of(client: &Shared, request: &Request) -> Self {
        Self(client.jar.is_some().then(|| Box::new(request.url().clone())))
    }

    #[cfg(not(feature = "cookies"))]
    pub(super) const fn of(_: &Shared, _: &Request) -> Self {
        Self()
    }

    #[cfg(feature = "cookies")]
    pub(super) fn learn(&self, client: &Shared, response: &http::Response<Body>) {
        if let (Some(jar), Some(url)) = (&client.jar, &self.0) {
            jar.learn(url, response.headers());
        }
    }

    #[cfg(not(feature = "cookies"))]
    #[allow(clippy::unused_self, reason = "with the feature there is something in it")]
    pub(super) const fn learn(&self, _: &Shared, _: &http::Response<Body>) {}
}

/// Marks the request's cookies as secrets, and credentials that did not come from a provider.
pub(super) fn hide_sent(request: &mut Request) {
    join(request.headers_mut());
    for name in [header::COOKIE, header::AUTHORIZATION, header::PROXY_AUTHORIZATION] {
        hide(request.headers_mut(), &name);
    }
}

/// Marks the response's cookies as secrets.
pub(super) fn hide_received(response: &mut http::Response<Body>) {
    hide(response.headers_mut(), &header::SET_COOKIE);
}

fn hide(headers: &mut HeaderMap, name: &HeaderName) {
    if !headers.contains_key(name) {
        return;
    }
    if let header::Entry::Occupied(mut cookies) = headers.entry(name) {
        cookies.iter_mut().for_each(|value| value.set_sensitive(true));
    }
}

/// Makes one header of several.
fn join(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let all: Vec<_> = headers.get_all(header::COOKIE).iter().cloned().collect();
    if let Some(cookies) = join_cookies(&all) {
        headers.insert(header::COOKIE, cookies);
    }
}
