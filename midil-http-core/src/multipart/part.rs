//! [`Part`].

use std::fmt;
#[cfg(feature = "fs")]
use std::path::Path;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};

#[cfg(feature = "fs")]
use crate::Error;
use crate::header_input::header_pair;
use crate::{Body, BoxError, BuildError};

/// One part of a [`Form`](super::Form): a field, or a file.
///
/// A part with a file name is a file to the server; its `Content-Type` is what the name's ending says, unless
/// [`mime`](Self::mime) says something else. A part without one has no `Content-Type` unless it is given one.
///
/// | made by | can be sent again | knows its length |
/// |---|---|---|
/// | [`text`](Self::text), [`bytes`](Self::bytes), `Part::file` | yes | yes |
/// | [`stream`](Self::stream) | no | no |
/// | [`stream_with_length`](Self::stream_with_length) | no | yes |
/// | [`body`](Self::body) | as the [`Body`] can | as the [`Body`] does |
///
/// The first error is kept, and reported when the request is built or sent.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Form, Part};
///
/// let form = Form::new()
///     .part("avatar", Part::bytes(&b"\x89PNG"[..]).file_name("ada.png"))
///     .part("meta", Part::text("{}").mime("application/json").header("x-checksum", "17"));
/// let body = Body::try_from(form)?;
/// assert!(body.length().is_some() && body.try_clone().is_some());
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[must_use = "a part does nothing until it is part of a form"]
pub struct Part {
    pub(super) body: Body,
    pub(super) file_name: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) error: Option<BuildError>,
}

impl Part {
    /// A part of any body: an empty or replayable one, one from a reader, one that tells of its progress.
    pub fn body(body: impl Into<Body>) -> Self {
        Self { body: body.into(), file_name: None, headers: HeaderMap::new(), error: None }
    }

    /// Text, in UTF-8. Its line breaks stay as they are.
    pub fn text(text: impl Into<String>) -> Self {
        Self::body(text.into())
    }

    /// Bytes; they are not copied where they are many.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::body(bytes.into())
    }

    /// A stream, which can be read once, of unknown length; one that fails is an [`Error::Body`](crate::Error::Body).
    pub fn stream<S, D, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<D, E>> + Send + 'static,
        D: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::body(Body::stream(stream))
    }

    /// A stream of `length` bytes, which can be read once; one of another length is an
    /// [`Error::Body`](crate::Error::Body).
    pub fn stream_with_length<S, D, E>(stream: S, length: u64) -> Self
    where
        S: Stream<Item = Result<D, E>> + Send + 'static,
        D: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::body(Body::stream_with_length(stream, length))
    }

    /// The file at `path`, by its own name, of its present length, streamed anew for each attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the file, when it cannot be opened for reading or is no regular file.
    ///
    /// # Examples
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use midil_http_core::{Body, Form, Part};
    ///
    /// let path = std::env::temp_dir().join(format!("midil-part-{}.csv", std::process::id()));
    /// std::fs::write(&path, "a;b")?;
    /// let form = Form::new().part("table", Part::file(&path).await?.file_name("table.csv"));
    /// let sent = Body::try_from(form)?.collect(1024).await?;
    /// assert!(String::from_utf8_lossy(&sent).contains("filename=\"table.csv\"\r\nContent-Type: text/csv\r\n\r\na;b\r\n"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[cfg(feature = "fs")]
    pub async fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let part = Self::body(Body::file(path).await?);
        Ok(part.file_name(name.unwrap_or_default()))
    }

    /// Makes it a file of this name; its type is what the ending says, `application/octet-stream` where that says nothing.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets the type of the content, `text/csv; charset=utf-8`.
    pub fn mime<V: TryInto<HeaderValue>>(self, mime: V) -> Self {
        self.header(header::CONTENT_TYPE, mime)
    }

    /// Sets a header of this part, in place of any of that name. `Content-Disposition` is made of the names.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.change(|headers| {
            let (name, value) = checked(name, value)?;
            headers.try_insert(name, value).map(drop).map_err(|_| too_many())
        })
    }

    /// Sets all of these headers of this part, in place of any of the same names; several values of a name are kept.
    pub fn headers(self, more: &HeaderMap) -> Self {
        self.change(|headers| {
            for name in more.keys() {
                headers.remove(name);
            }
            for (name, value) in more {
                let (name, value) = checked(name.clone(), value.clone())?;
                headers.try_append(name, value).map_err(|_| too_many())?;
            }
            Ok(())
        })
    }

    /// The type of a file that was not given one.
    pub(super) fn guessed_mime(&self) -> Option<&'static str> {
        let name = self.file_name.as_ref()?;
        let guess =
            || mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
        (!self.headers.contains_key(header::CONTENT_TYPE)).then(guess)
    }

    /// Changes the headers, unless an error came before.
    fn change(mut self, change: impl FnOnce(&mut HeaderMap) -> Result<(), BuildError>) -> Self {
        if self.error.is_none() {
            self.error = change(&mut self.headers).err();
        }
        self
    }
}

/// A header as a part can have it.
fn checked<N, V>(name: N, value: V) -> Result<(HeaderName, HeaderValue), BuildError>
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    let (name, value) = header_pair(name, value)?;
    if name == header::CONTENT_DISPOSITION {
        let problem = "is made of the part's name and file name: use Part::file_name";
        return Err(BuildError::new("header content-disposition of a form's part", problem));
    }
    if name == header::CONTENT_TYPE && !is_mime(value.as_bytes()) {
        let problem = "is no MIME type: give type/subtype, such as text/csv";
        return Err(BuildError::new("the type of a form's part", problem));
    }
    Ok((name, value))
}

/// Whether it begins with `type/subtype`, and has parameters after that at most.
fn is_mime(value: &[u8]) -> bool {
    let token = |part: &[u8]| {
        let sound = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        !part.is_empty() && part.iter().all(sound)
    };
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let mut halves = essence.splitn(2, |byte| *byte == b'/');
    halves.next().is_some_and(token) && halves.next().is_some_and(token)
}

fn too_many() -> BuildError {
    BuildError::new("headers of a form's part", "are too many: send fewer")
}

/// Shows the names of its headers alone: values, and the name of a file, may be private.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Part")
            .field("body", &self.body)
            .field("is_file", &self.file_name.is_some())
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}
