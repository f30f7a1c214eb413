//! The bodies that the options describe.

use std::path::Path;

use bytes::Bytes;
use futures_util::Stream;
use midil_http::{Body, BuildError, Error, RequestBuilder};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::options::Options;

/// Puts the body on the request. A file that cannot be read is an error of this call.
pub(crate) async fn attach(
    request: RequestBuilder,
    options: &Options,
) -> Result<RequestBuilder, Error> {
    Ok(if let Some(text) = &options.json {
        request.header("content-type", "application/json").body(text.clone())
    } else if let Some(text) = &options.data {
        request.body(text.clone())
    } else if !options.file.is_empty() {
        multipart(request, options).await?
    } else if !options.form.is_empty() {
        request.form(&pairs(&options.form).collect::<Vec<_>>())
    } else if let Some(path) = &options.upload {
        request.body(Body::file(path).await?)
    } else if let Some(path) = &options.stream {
        request.body(once(path).await?)
    } else {
        request
    })
}

/// What stands before and after the first `=`.
fn pairs(all: &[String]) -> impl Iterator<Item = (&str, &str)> {
    all.iter().filter_map(|pair| pair.split_once('='))
}

/// The fields, then the files.
#[cfg(feature = "multipart")]
async fn multipart(request: RequestBuilder, options: &Options) -> Result<RequestBuilder, Error> {
    let mut form = midil_http::Form::new();
    for (name, value) in pairs(&options.form) {
        form = form.text(name, value);
    }
    for (name, path) in pairs(&options.file) {
        form = form.file(name, path).await?;
    }
    Ok(request.multipart(form))
}

#[cfg(not(feature = "multipart"))]
#[allow(clippy::unused_async, reason = "the same as with the feature")]
async fn multipart(_: RequestBuilder, _: &Options) -> Result<RequestBuilder, Error> {
    let problem = "is not built in: build with the feature multipart, or with all features";
    Err(BuildError::new("--file", problem).into())
}

/// A body that can be read once, of a file or of standard input.
async fn once(path: &Path) -> Result<Body, Error> {
    if path.as_os_str() == "-" {
        return Ok(Body::stream(chunks(tokio::io::stdin())));
    }
    let file = tokio::fs::File::open(path).await.map_err(|error| {
        BuildError::new(
            format!("file {}", path.display()),
            "cannot be read: check that it exists and may be read",
        )
        .with_source(error)
    })?;
    Ok(Body::stream(chunks(file)))
}

fn chunks(
    reader: impl AsyncRead + Unpin + Send + 'static,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    futures_util::stream::try_unfold(reader, |mut reader| async move {
        let mut chunk = Vec::with_capacity(64 * 1024);
        reader.read_buf(&mut chunk).await?;
        Ok((!chunk.is_empty()).then(|| (Bytes::from(chunk), reader)))
    })
}
