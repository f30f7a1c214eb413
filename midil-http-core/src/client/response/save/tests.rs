use std::io::ErrorKind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};

use super::*;
use crate::{Body, HttpClient, Request, Sent, TransportError, TransportErrorKind};

/// A directory that is gone with its value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("midil-save-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("report.csv")
    }

    fn names(&self) -> Vec<String> {
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Lets the others have their turns until `done`; a test that would hang fails instead.
async fn until(mut done: impl FnMut() -> bool) {
    let turns = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), turns).await.expect("it hangs");
}

async fn response(body: impl Fn() -> Body + Send + Sync + 'static) -> Response {
    let transport = move |_: Request| {
        let body = body();
        async move { Ok(http::Response::new(body)) }
    };
    let client = HttpClient::builder(transport).base_url("http://localhost").build().unwrap();
    client.get("/").send().await.unwrap()
}

#[tokio::test]
async fn a_body_of_any_kind_and_size_becomes_the_file() {
    let directory = Directory::new();
    let pieces = |size: usize, count: usize| {
        let pieces = (0..count)
            .map(move |at| Ok::<_, io::Error>(vec![u8::try_from(at % 251).unwrap(); size]));
        Body::stream(stream::iter(pieces))
    };
    for (size, count) in
        [(0, 1), (1, 1), (1000, 1000), (GATHERED, 3), (GATHERED - 1, 3), (3 * GATHERED, 2)]
    {
        let length =
            response(move || pieces(size, count)).await.save(directory.path()).await.unwrap();
        let whole = pieces(size, count).collect(u64::MAX).await.unwrap();
        assert_eq!(length, u64::try_from(size * count).unwrap());
        assert!(fs::read(directory.path()).unwrap() == whole, "{count} times {size}");
        assert_eq!(directory.names(), ["report.csv"]);
    }
    assert_eq!(response(Body::empty).await.save(directory.path()).await.unwrap(), 0);
    assert_eq!(fs::read(directory.path()).unwrap(), b"");
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_what_was_there() {
    let directory = Directory::new();
    fs::write(directory.path(), "before").unwrap();
    let broken = || {
        let reset = TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "reset");
        let start = Body::stream(stream::iter([Ok::<_, io::Error>(vec![7; 3 * GATHERED])]));
        let end = Body::stream(stream::iter([Err::<Bytes, _>(Error::from(reset))]));
        Body::chain(vec![start, end])
    };
    let error = response(broken).await.save(directory.path()).await.unwrap_err();
    assert!(matches!(error, Error::Body(_)), "{error:?}");
    assert_eq!(directory.names(), ["report.csv"]);
    assert_eq!(fs::read(directory.path()).unwrap(), b"before");
}

#[tokio::test]
async fn until_it_is_whole_the_file_has_another_name_and_a_drop_removes_it() {
    let directory = Directory::new();
    let stalled = || {
        let start = stream::iter([Ok::<_, io::Error>(vec![7; 2 * GATHERED])]);
        Body::stream(start.chain(stream::pending()))
    };
    let mut saving = Box::pin(response(stalled).await.save(directory.path()));
    let written = || {
        let names = directory.names();
        let [name] = names.as_slice() else { return false };
        assert!(name.starts_with(".midil-") && name.ends_with(".part"), "{name}");
        let length = fs::metadata(directory.0.join(name)).unwrap().len();
        length == u64::try_from(2 * GATHERED).unwrap()
    };
    until(|| {
        assert!((&mut saving).now_or_never().is_none());
        written()
    })
    .await;
    drop(saving);
    // A write that was under way comes to its end first, on its thread.
    until(|| directory.names().is_empty()).await;
}

/// The kind of what saving to `path` fails with, and its message.
async fn refused(path: &Path) -> (ErrorKind, String) {
    let error = response(|| "a;b".into()).await.save(path).await.unwrap_err();
    let Error::File(file) = &error else { panic!("{error:?}") };
    assert_eq!(file.path(), path);
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!((error.kind(), error.sent()), ("File", Sent::Maybe));
    (file.kind(), error.to_string())
}

#[tokio::test]
async fn where_no_file_can_be_is_told() {
    let directory = Directory::new();
    fs::write(directory.path(), "before").unwrap();
    for (path, kind, remedy) in [
        (directory.0.join("missing/a"), ErrorKind::NotFound, "make the directory first"),
        (directory.path().join("a"), ErrorKind::NotADirectory, "make the directory first"),
        (directory.0.clone(), ErrorKind::IsADirectory, "it is a directory"),
    ] {
        let (actual, message) = refused(&path).await;
        assert_eq!(actual, kind);
        let expected = format!("file {} cannot be written: {remedy}", path.display());
        assert!(message.starts_with(&expected), "{message}");
    }
    assert_eq!(directory.names(), ["report.csv"]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_takes_the_place_of_a_private_file_is_private_on_its_way() {
    use std::os::unix::fs::PermissionsExt;

    let directory = Directory::new();
    fs::write(directory.path(), "before").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let unfinished = || Body::stream(stream::pending::<io::Result<Bytes>>());
    let mut saving = Box::pin(response(unfinished).await.save(directory.path()));
    until(|| {
        assert!((&mut saving).now_or_never().is_none());
        directory.names().len() == 2
    })
    .await;
    for name in directory.names() {
        let mode = fs::metadata(directory.0.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_lead_on_modes_stay_and_devices_are_left_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = Directory::new();
    fs::write(directory.path(), "before").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.0.join("latest");
    symlink("report.csv", &link).unwrap();
    response(|| "a;b".into()).await.save(&link).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(directory.path()).unwrap(), b"a;b");
    assert_eq!(fs::metadata(directory.path()).unwrap().permissions().mode() & 0o777, 0o640);

    let (kind, message) = refused(Path::new("/dev/null")).await;
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(message.contains("it is no regular file: write what Response::chunk yields to it"));
}

#[test]
fn a_write_that_fails_removes_what_there_is() {
    let directory = Directory::new();
    let mut partial = Partial::create(&directory.path()).unwrap();
    assert_eq!(directory.names().len(), 1);
    // A handle that cannot be written to stands for a disk that is full.
    partial.file = Some(File::open(&partial.path).unwrap());
    assert!(partial.write(b"a", &Bytes::from("b")).is_err());
    assert!(directory.names().is_empty());
}
