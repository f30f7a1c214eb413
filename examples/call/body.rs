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
    } else if !options.form.is_empty() {
        let fields: Vec<_> =
            options.form.iter().filter_map(|field| field.split_once('=')).collect();
        request.form(&fields)
    } else if let Some(path) = &options.upload {
        request.body(Body::file(path).await?)
    } else if let Some(path) = &options.stream {
        request.body(once(path).await?)
    } else {
        request
    })
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
