//! [`Form`].

use std::fmt;
#[cfg(feature = "fs")]
use std::path::Path;

use http::header;

use super::boundary::Boundary;
use super::{Part, disposition};
use crate::{Body, BuildError, Error};

/// A form of several parts, for [`RequestBuilder::multipart`](crate::RequestBuilder::multipart).
///
/// Names are escaped as browsers do it (`"` as `%22`, line breaks as `%0D%0A`), UTF-8 is kept. The form knows its length when
/// all parts know theirs, and is sent as often as it takes when all parts can be; files are streamed from the disk for each
/// attempt, and never held in memory. One part that is a stream makes the whole a stream, which is sent again only as long as
/// nobody has read from it. A form without parts is a form, too.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Form, HttpClient, Part, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |request: Request| async move {
/// #     assert!(request.headers()["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary="));
/// #     Ok(http::Response::new(request.into_body()))
/// # };
/// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let form = Form::new()
///     .text("title", "Minutes")
///     .part("minutes", Part::text("1. Welcome").file_name("minutes.txt"));
/// assert!(form.content_type().starts_with("multipart/form-data; boundary="));
/// let response = client.post("/documents").multipart(form).send().await?;
/// # assert!(response.text().await?.contains("filename=\"minutes.txt\"\r\nContent-Type: text/plain\r\n"));
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[must_use = "a form does nothing until it is sent"]
pub struct Form {
    parts: Vec<(String, Part)>,
    boundary: Boundary,
}

impl Form {
    /// A form without parts.
    pub fn new() -> Self {
        Self { parts: Vec::new(), boundary: Boundary::new() }
    }

    /// Adds a text field. Its line breaks stay as they are.
    pub fn text(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.part(name, Part::text(value))
    }

    /// Adds the file at `path`, as [`Part::file`] has it.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the file, when it cannot be opened for reading or is no regular file.
    #[cfg(feature = "fs")]
    pub async fn file(
        self,
        name: impl Into<String>,
        path: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        Ok(self.part(name, Part::file(path).await?))
    }

    /// Adds a part. A name may stand more than once: the parts are sent in their order.
    pub fn part(mut self, name: impl Into<String>, part: Part) -> Self {
        self.parts.push((name.into(), part));
        self
    }

    /// What `Content-Type` says of this form: `multipart/form-data; boundary=…`, another one for each form.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The form as a body, which needs [`content_type`](Self::content_type) beside it.
    pub(crate) fn encode(self) -> Result<Body, BuildError> {
        let mut pieces = Vec::with_capacity(2 * self.parts.len() + 1);
        let mut between = Vec::new();
        for (name, part) in self.parts {
            between.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
            let body = write_head(&mut between, &name, part)?;
            pieces.push(std::mem::take(&mut between).into());
            pieces.push(body);
            between.extend_from_slice(b"\r\n");
        }
        between.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        pieces.push(between.into());
        Ok(Body::chain(pieces))
    }
}

/// Writes the head of a part; gives its body.
fn write_head(out: &mut Vec<u8>, name: &str, part: Part) -> Result<Body, BuildError> {
    let mime = part.guessed_mime();
    let Part { body, file_name, headers, error } = part;
    if let Some(error) = error {
        return Err(error);
    }
    disposition::write(out, name, file_name.as_deref())?;
    let mut line = |name: &str, value: &[u8]| {
        for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
            out.extend_from_slice(piece);
        }
    };
    // Peers that are particular about case are so about this name.
    if let Some(mime) = mime {
        line("Content-Type", mime.as_bytes());
    }
    for (name, value) in &headers {
        let is_type = name == header::CONTENT_TYPE;
        line(if is_type { "Content-Type" } else { name.as_str() }, value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Ok(body)
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}

/// The form as a body; [`Form::content_type`] says what it is.
impl TryFrom<Form> for Body {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self, Error> {
        Ok(form.encode()?)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("parts", &self.parts.len()).finish_non_exhaustive()
    }
}
