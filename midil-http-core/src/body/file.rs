//! [`Body::file`]: a file as a replayable body.

use std::fs::File;
use std::future::Future as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use blocking::{Task, unblock};
use bytes::Bytes;
use futures_core::Stream;

use super::{Body, CHUNK};
use crate::{BuildError, Error};

impl Body {
    /// The file at `path`, of its present length, streamed anew for each attempt.
    ///
    /// Files are read on a small pool of threads, so that a slow disk holds up nobody, on any executor. A file that
    /// gets shorter or longer while it is sent is an [`Error::Body`].
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the file, when it cannot be opened for reading or is no regular file.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_util::FutureExt::now_or_never(async {
    /// # });
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use midil_http_core::Body;
    ///
    /// let path = std::env::temp_dir().join(format!("midil-doc-{}", std::process::id()));
    /// std::fs::write(&path, "hello")?;
    /// let body = Body::file(&path).await?;
    /// assert_eq!(body.length(), Some(5));
    /// assert_eq!(body.collect(1024).await?, "hello");
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let shown = path.display().to_string();
        let probe = path.clone();
        let unusable = |problem: &str| BuildError::new(format!("file {shown}"), problem);
        let metadata = unblock(move || File::open(probe)?.metadata()).await.map_err(|error| {
            unusable("cannot be read: check that it exists and may be read").with_source(error)
        })?;
        if !metadata.is_file() {
            return Err(unusable("is no regular file: stream it with Body::stream instead").into());
        }
        Ok(Self::replayable(Some(metadata.len()), move || FileStream::Unopened(path.clone())))
    }
}

/// The chunks of a file.
enum FileStream {
    Unopened(PathBuf),
    Reading(Task<io::Result<Option<(File, Bytes)>>>),
    Open(File),
    Ended,
}

impl Stream for FileStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = match std::mem::replace(&mut *self, Self::Ended) {
            Self::Unopened(path) => unblock(move || read(File::open(path)?)),
            Self::Open(file) => unblock(move || read(file)),
            Self::Reading(task) => task,
            Self::Ended => return Poll::Ready(None),
        };
        let Poll::Ready(outcome) = Pin::new(&mut reading).poll(cx) else {
            *self = Self::Reading(reading);
            return Poll::Pending;
        };
        Poll::Ready(match outcome {
            Ok(Some((file, chunk))) => {
                *self = Self::Open(file);
                Some(Ok(chunk))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

/// Reads the next chunk, or the end.
fn read(mut file: File) -> io::Result<Option<(File, Bytes)>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let limit = u64::try_from(CHUNK).unwrap_or(u64::MAX);
    (&mut file).take(limit).read_to_end(&mut chunk)?;
    Ok((!chunk.is_empty()).then(|| (file, Bytes::from(chunk))))
}
