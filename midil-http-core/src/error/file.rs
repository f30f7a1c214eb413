//! [`FileError`]: a file could not be written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A file that a response was to be saved to could not be written; what there was of it is gone.
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
/// use midil_http_core::FileError;
///
/// let error = FileError::new("/var/reports/today.csv", ErrorKind::StorageFull.into());
/// assert_eq!(error.kind(), ErrorKind::StorageFull);
/// assert_eq!(error.to_string(), "file /var/reports/today.csv cannot be written: free some space, or save it elsewhere");
/// ```
#[derive(Debug)]
pub struct FileError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// What went wrong with the file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self(Box::new(Inner { path: path.into(), source }))
    }

    /// The path as the caller gave it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What went wrong: [`io::ErrorKind::StorageFull`] for a full disk, and so on.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.0.source.kind()
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{
            FileTooLarge, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied,
            QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let remedy = match self.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => "free some space, or save it elsewhere",
            NotFound | NotADirectory => "make the directory first",
            PermissionDenied | ReadOnlyFilesystem => "check who may write to the directory",
            IsADirectory => "it is a directory: name a file in it",
            InvalidInput => "it is no regular file: write what Response::chunk yields to it",
            _ => "see the cause",
        };
        write!(f, "file {} cannot be written: {remedy}", self.0.path.display())
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.source)
    }
}
