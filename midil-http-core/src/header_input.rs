//! Headers as callers give them.

use http::{HeaderName, HeaderValue};

use crate::BuildError;
use crate::request::mark_sensitive;

/// A name and a value, or an error that names the header; never its value, which may be a secret.
pub(crate) fn header_pair<N, V>(name: N, value: V) -> Result<(HeaderName, HeaderValue), BuildError>
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    let name = name.try_into().map_err(|_| {
        BuildError::new(
            "a header's name",
            "is invalid: use letters, digits and -_.!#$%&'*+^`|~ only",
        )
    })?;
    let mut value = value.try_into().map_err(|_| {
        BuildError::new(
            format!("the value of header {name}"),
            "is invalid: it holds CR, LF, NUL or another control character",
        )
    })?;
    mark_sensitive(&name, &mut value);
    Ok((name, value))
}

/// One `Cookie` of several: a request has one such header at most (RFC 6265, section 5.4).
pub(crate) fn join_cookies(cookies: &[HeaderValue]) -> Option<HeaderValue> {
    let all: Vec<_> = cookies.iter().map(HeaderValue::as_bytes).collect();
    let mut joined =
        HeaderValue::from_bytes(&all.join(&b"; "[..])).ok().filter(|_| !all.is_empty())?;
    joined.set_sensitive(true);
    Some(joined)
}
