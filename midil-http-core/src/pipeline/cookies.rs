//! Slot 8: cookies.
//!
//! Those that a request sets itself are in its headers by now. A jar has its place here: it would add to the request's
//! `Cookie` and learn from the response's `Set-Cookie`.

use http::{HeaderMap, HeaderName, header};

use crate::header_input::join_cookies;
use crate::{Body, Request};

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
