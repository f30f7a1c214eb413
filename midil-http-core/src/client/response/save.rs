//! [`Response::save`]: a body goes to a file, which is whole or not there.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use blocking::unblock;
use bytes::Bytes;

use super::Response;
use crate::{Error, FileError};

/// How much is gathered before it is written: 256 KiB.
const GATHERED: usize = 256 * 1024;

impl Response {
    /// Streams the body to the file at `path`, in place of any that is there; tells how many bytes it has.
    ///
    /// The file takes its name when it is whole and on the disk: until then it is a sibling, `.midil-….part`, which is removed
    /// when something fails. A body of any size takes under 1 MiB of memory; `max_response_bytes` is no limit here. The file
    /// is written on a small pool of threads, on any executor. Whatever the status is, its body is saved: call
    /// [`error_for_status`](Self::error_for_status) before, and [`on_progress`](Self::on_progress) to see how it goes.
    ///
    /// # Errors
    ///
    /// [`Error::File`], which names the path, when the file cannot be written, the disk is full, or there is something at
    /// `path` that is no regular file; else whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the exchange and removes what there is of the file.
    ///
    /// # Examples
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("a;b"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let path = std::env::temp_dir().join(format!("midil-report-{}.csv", std::process::id()));
    /// let length = client.get("/report").send().await?.error_for_status().await?.save(&path).await?;
    /// assert_eq!((length, std::fs::read_to_string(&path)?.as_str()), (3, "a;b"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn save(mut self, path: impl AsRef<Path>) -> Result<u64, Error> {
        let path = path.as_ref().to_owned();
        let failed = |error: io::Error| Error::from(FileError::new(&path, error));
        let target = path.clone();
        let mut partial = unblock(move || Partial::create(&target)).await.map_err(failed)?;
        let (mut length, mut gathered) = (0_u64, Vec::new());
        while let Some(chunk) = self.chunk().await? {
            length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if gathered.len() + chunk.len() < GATHERED {
                gathered.extend_from_slice(&chunk);
                continue;
            }
            let before = std::mem::take(&mut gathered);
            partial = unblock(move || partial.write(&before, &chunk)).await.map_err(failed)?;
        }
        unblock(move || partial.write(&gathered, &Bytes::new())?.finish()).await.map_err(failed)?;
        Ok(length)
    }
}

/// A file on its way, which is removed unless it is finished.
struct Partial {
    /// `None` once it is closed.
    file: Option<File>,
    finished: bool,
    path: PathBuf,
    target: PathBuf,
}

impl Partial {
    fn create(path: &Path) -> io::Result<Self> {
        // What a link leads to is replaced, not the link.
        let target = match path.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            target => target?,
        };
        match fs::metadata(&target) {
            Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // A device or a pipe must not be replaced by a file.
            Ok(there) if !there.is_file() => return Err(io::ErrorKind::InvalidInput.into()),
            _ => {}
        }
        if target.file_name().is_none() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let sibling = format!(".midil-{:016x}.part", RandomState::new().hash_one(0));
        let path = target.with_file_name(sibling);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What takes the place of a file is never more open than that.
        #[cfg(unix)]
        if let Ok(there) = fs::metadata(&target) {
            options.mode(there.permissions().mode() & 0o777);
        }
        let file = options.open(&path)?;
        Ok(Self { file: Some(file), finished: false, path, target })
    }

    /// By value: a write that nobody waits for any more removes the file when it comes to its end.
    fn write(mut self, before: &[u8], data: &[u8]) -> io::Result<Self> {
        if let Some(file) = &mut self.file {
            file.write_all(before)?;
            file.write_all(data)?;
        }
        Ok(self)
    }

    fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            if let Ok(there) = fs::metadata(&self.target) {
                file.set_permissions(there.permissions())?;
            }
            // A name that is on the disk before its content would be a half-written file after a power cut.
            file.sync_all()?;
        }
        fs::rename(&self.path, &self.target)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Closed first: elsewhere than on Unix an open file cannot be removed.
        self.file = None;
        if !self.finished {
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests;
