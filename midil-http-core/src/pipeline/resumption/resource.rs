//! [`Resource`]: what is known of a download, and whether a response is the rest of it.

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::content_range::ContentRange;
use super::validator::Validator;
use super::{RANGE_REQUEST, not_resumed};
use crate::{Body, BuildError, Error, RequestHead, Sent, TransportError, TransportErrorKind};

/// What is downloaded: which bytes of what, and by what they are known again.
pub(super) struct Resource {
    validator: Validator,
    encodings: Vec<HeaderValue>,
    /// The first byte that is missing.
    position: u64,
    /// Behind the last one that is wanted, as soon as that is known.
    end: Option<u64>,
    /// How many bytes the resource has, as soon as that is known.
    complete: Option<u64>,
    /// Whether the caller asked for a range of it.
    is_range: bool,
}

/// What the body of a response is of the resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// So many bytes are there already.
    skip: u64,
    /// Behind its last byte, when that is known.
    end: Option<u64>,
    /// Whether what follows that byte is to be left, and is not too much.
    cut: bool,
    /// Whether it is a part, behind whose end there may be more.
    is_range: bool,
    /// How many bytes the resource has, as it says.
    complete: Option<u64>,
}

impl Resource {
    /// What `response` is the beginning of; `None` when it could not be told for sure that something else is its rest.
    pub(super) fn begin(
        request: &RequestHead,
        response: &http::Response<Body>,
    ) -> Option<(Self, Part)> {
        let headers = response.headers();
        if has_token(headers, &header::ACCEPT_RANGES, "none") {
            return None;
        }
        let validator = Validator::of(headers)?;
        let is_range = request.headers.contains_key(header::RANGE);
        let (position, end, complete) = match response.status() {
            StatusCode::OK if !is_range => {
                let length = length(headers);
                (0, length, length)
            }
            StatusCode::PARTIAL_CONTENT if is_range && !is_multipart(headers) => {
                match ContentRange::of(headers)? {
                    ContentRange::Part { first, end, complete } => (first, Some(end), complete),
                    ContentRange::Unsatisfied { .. } => return None,
                }
            }
            _ => return None,
        };
        let part = Part { skip: 0, end, cut: false, is_range: false, complete };
        let encodings = encodings(headers).cloned().collect();
        Some((Self { validator, encodings, position, end, complete, is_range }, part))
    }

    /// Makes a request one for the rest.
    pub(super) fn ask(&self, request: &mut RequestHead) -> Result<(), Error> {
        let range = match self.end.filter(|_| self.is_range) {
            Some(end) => format!("bytes={}-{}", self.position, end.saturating_sub(1)),
            None => format!("bytes={}-", self.position),
        };
        let range = HeaderValue::try_from(range)
            .map_err(|_| BuildError::new("the range", "cannot stand in a header"))?;
        for (name, value) in
            [(header::RANGE, range), (header::IF_RANGE, self.validator.value().clone())]
        {
            let full = |_| BuildError::new("headers", "are too many for one request: send fewer");
            request.headers.try_insert(name, value).map(drop).map_err(full)?;
        }
        Ok(())
    }

    /// What a response to that is of the resource; `None` where its status says that it is nothing of it.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::NotResumed`] where the server sends something else than what is missing.
    pub(super) fn locate(&self, response: &http::Response<Body>) -> Option<Result<Part, Error>> {
        let headers = response.headers();
        Some(match response.status() {
            StatusCode::PARTIAL_CONTENT => self.rest(headers),
            StatusCode::OK => self.anew(headers),
            StatusCode::RANGE_NOT_SATISFIABLE => self.nothing_more(headers),
            _ => return None,
        })
    }

    /// A 206.
    fn rest(&self, headers: &HeaderMap) -> Result<Part, Error> {
        self.check_validator(headers)?;
        // Where it is silent, it is what it was: the server need not repeat what is known (RFC 9110, section 15.3.7).
        if headers.contains_key(header::CONTENT_ENCODING) && !self.is_encoded_as(headers) {
            return Err(changed("it has another Content-Encoding"));
        }
        if is_multipart(headers) {
            return Err(unexpected("it sent several ranges"));
        }
        let Some(ContentRange::Part { first, end, complete }) = ContentRange::of(headers) else {
            return Err(unexpected("it did not say which range it sent"));
        };
        if let (Some(before), Some(now)) = (self.complete, complete)
            && before != now
        {
            return Err(changed("it has another length"));
        }
        if first != self.position || self.end.is_some_and(|last| end > last) {
            return Err(unexpected("it sent another range"));
        }
        Ok(Part { skip: 0, end: Some(end), cut: false, is_range: true, complete })
    }

    /// A 200: the server knows no ranges, or the resource has changed.
    fn anew(&self, headers: &HeaderMap) -> Result<Part, Error> {
        self.check_validator(headers)?;
        if !self.is_encoded_as(headers) {
            return Err(changed("it has another Content-Encoding"));
        }
        let length = length(headers);
        if let (Some(before), Some(now)) = (self.complete, length)
            && before != now
        {
            return Err(changed("it has another length"));
        }
        let end = self.end.or(length);
        let complete = length.or(self.complete);
        Ok(Part { skip: self.position, end, cut: self.is_range, is_range: false, complete })
    }

    /// A 416: either all was there already, and the end alone was missing, or the resource is shorter now.
    fn nothing_more(&self, headers: &HeaderMap) -> Result<Part, Error> {
        self.check_validator(headers)?;
        match ContentRange::of(headers) {
            Some(ContentRange::Unsatisfied { complete }) if complete == self.position => Ok(Part {
                skip: 0,
                end: Some(complete),
                cut: true,
                is_range: true,
                complete: Some(complete),
            }),
            _ => Err(changed("it is shorter")),
        }
    }

    fn check_validator(&self, headers: &HeaderMap) -> Result<(), Error> {
        if Validator::of(headers).as_ref() == Some(&self.validator) {
            return Ok(());
        }
        Err(changed(match self.validator {
            Validator::ETag(_) => "its ETag is another",
            Validator::LastModified(_) => "it has another Last-Modified",
        }))
    }

    fn is_encoded_as(&self, headers: &HeaderMap) -> bool {
        encodings(headers).eq(&self.encodings)
    }

    /// Goes on with that part.
    pub(super) fn accept(&mut self, part: &Part) {
        self.complete = self.complete.or(part.complete);
        self.end = self.end.or(self.complete);
    }

    /// What of `data` is new.
    pub(super) fn take(&mut self, part: &mut Part, mut data: Bytes) -> Result<Bytes, Error> {
        let known = usize::try_from(part.skip).unwrap_or(usize::MAX).min(data.len());
        data.advance(known);
        part.skip = part.skip.saturating_sub(count(known));
        if let Some(end) = part.end {
            let room = end.saturating_sub(self.position);
            if count(data.len()) > room {
                if !part.cut {
                    let problem = "the response body has more bytes than its head says";
                    let kind = TransportErrorKind::Protocol;
                    return Err(TransportError::new(kind, Sent::Maybe, problem).into());
                }
                data.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            }
        }
        self.position = self.position.saturating_add(count(data.len()));
        Ok(data)
    }

    /// Whether all that is wanted is there, for sure.
    pub(super) fn is_complete(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }

    /// Whether something is missing when the part has come to its end.
    pub(super) fn is_short(&self, part: &Part) -> bool {
        match self.end {
            Some(end) => self.position < end,
            None => part.is_range || part.skip > 0,
        }
    }

    /// Whether the rest of the part is of no interest.
    pub(super) fn is_cut(&self, part: &Part) -> bool {
        part.cut && self.is_complete()
    }

    /// How many bytes are missing, when that is known.
    pub(super) fn left(&self) -> Option<u64> {
        Some(self.end?.saturating_sub(self.position))
    }
}

/// The end of a body that comes too early.
pub(super) fn ended_early() -> Error {
    let problem = "the response body ended before all of the resource was there";
    TransportError::new(TransportErrorKind::Closed, Sent::Maybe, problem).into()
}

fn changed(how: &str) -> Error {
    not_resumed(format!("{RANGE_REQUEST}, for the resource has changed ({how})"))
}

fn unexpected(what: &str) -> Error {
    not_resumed(format!("{RANGE_REQUEST}, for the server did not send the rest ({what})"))
}

fn encodings(headers: &HeaderMap) -> impl Iterator<Item = &HeaderValue> {
    headers.get_all(header::CONTENT_ENCODING).iter()
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/byteranges")
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
