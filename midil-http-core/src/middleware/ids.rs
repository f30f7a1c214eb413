//! Ids of calls: made once, put into a header.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::{BuildError, Error, Next, Request};

/// Makes an id.
pub(super) type Generator = Arc<dyn Fn() -> String + Send + Sync>;

/// The next id: the generator's, or else a UUID.
pub(super) fn value(
    what: &'static str,
    generator: Option<&Generator>,
    next: Next<'_>,
) -> Result<HeaderValue, Error> {
    let id = match generator {
        Some(generator) => generator(),
        None => uuid(next.random().next_u128()),
    };
    HeaderValue::try_from(id).map_err(|_| {
        refused(what, "cannot stand in a header: let its generator leave out line breaks and NUL")
    })
}

pub(super) fn refused(what: &'static str, problem: &'static str) -> Error {
    BuildError::new(what, problem).into()
}

/// Puts an id into its header.
pub(super) fn put(
    request: &mut Request,
    header: &HeaderName,
    id: HeaderValue,
) -> Result<(), Error> {
    let full = |_| BuildError::new("headers", "are too many for one request: send fewer");
    Ok(request.headers_mut().try_insert(header, id).map(drop).map_err(full)?)
}

/// Random bits as a UUID of version 4 ([RFC 9562, section 5.4](https://www.rfc-editor.org/rfc/rfc9562#section-5.4)).
fn uuid(random: u128) -> String {
    const VERSION: u128 = 0xF << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = (random & !VERSION & !VARIANT) | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_say_what_they_are() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
