//! The query and the headers of a request.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;

use super::{RequestBuilder, too_many_headers};
use crate::BuildError;
use crate::header_input::header_pair;

impl RequestBuilder {
    /// Adds to the query string whatever serialises to pairs; a sequence as a value repeats its key.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.change(|request| {
            let more = serde_html_form::to_string(query).map_err(|error| {
                BuildError::new(
                    "the query",
                    "cannot be written as pairs of key and value: give a map, a struct or pairs",
                )
                .with_source(error)
            })?;
            if more.is_empty() {
                return Ok(());
            }
            let url = &mut request.head_mut().url;
            match url.query().filter(|query| !query.is_empty()) {
                Some(query) => {
                    let all = format!("{query}&{more}");
                    url.set_query(Some(&all));
                }
                None => url.set_query(Some(&more)),
            }
            Ok(())
        })
    }

    /// Sets a header, in place of any of that name.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.change(|request| {
            let (name, value) = header_pair(name, value)?;
            request.headers_mut().try_insert(name, value).map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Sets all of these headers, in place of any of the same names; several values of a name are kept.
    pub fn headers(self, headers: &HeaderMap) -> Self {
        self.change(|request| {
            for name in headers.keys() {
                request.headers_mut().remove(name);
            }
            for (name, value) in headers {
                let (name, value) = header_pair(name.clone(), value.clone())?;
                request.headers_mut().try_append(name, value).map_err(|_| too_many_headers())?;
            }
            Ok(())
        })
    }

    /// Adds a cookie to the request's `Cookie` header ([RFC 6265, section 4.1.1] says what may stand in one).
    ///
    /// It is sent with this call alone, in place of one of that name in the client's jar, and stays behind where a redirect
    /// leads to another origin.
    ///
    /// [RFC 6265, section 4.1.1]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
    pub fn cookie(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.change(|request| {
            let (name, value) = (name.as_ref(), value.as_ref());
            let sound = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
            if name.is_empty() || !name.bytes().all(|byte| sound(byte) && !b"()<>@:/[]?={}".contains(&byte)) {
                return Err(BuildError::new("a cookie's name", "is invalid: use letters, digits and -_.!#$%&'*+^`|~ only"));
            }
            if !value.bytes().all(sound) {
                let problem = "is invalid: it holds white space, a control character, or one of \",;\\: encode it";
                return Err(BuildError::new(format!("the value of cookie {name}"), problem));
            }
            let mut cookies: Vec<&str> =
                request.headers().get_all(header::COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()).collect();
            let cookie = format!("{name}={value}");
            cookies.push(&cookie);
            let cookie = cookies.join("; ");
            let (name, value) = header_pair(header::COOKIE, cookie)?;
            request.headers_mut().try_insert(name, value).map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Sends an `Idempotency-Key`, the same on each attempt, which makes the call retryable.
    ///
    /// It is sent as it is given; a server that follows the IETF's draft wants it in quotes.
    /// [`IdempotencyKeys`](crate::IdempotencyKeys) makes keys for all calls of a client.
    pub fn idempotency_key<V: TryInto<HeaderValue>>(self, key: V) -> Self {
        self.header("idempotency-key", key)
    }
}
