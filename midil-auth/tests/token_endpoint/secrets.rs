//! Where a secret comes from, and what is said when it does not.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use midil_auth::{ClientAuthMethod, ClientCredentials, SecretSource};
use midil_http_core::{AuthError, AuthErrorKind, AuthNProvider};
use midil_http_test::{ManualRuntime, Reply};

use super::{Endpoint, keeps_quiet, message, shown};

/// A file of this test alone, removed at its end.
struct Mounted(PathBuf);

impl Mounted {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = Self(directory.join(format!("{name}-{}", std::process::id())));
        file.write(content);
        file
    }

    fn write(&self, content: impl AsRef<[u8]>) {
        fs::write(&self.0, content).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// A client whose secret is in a file, at an endpoint whose tokens serve one call each.
fn of_file(path: &Path) -> (Endpoint, ClientCredentials) {
    let runtime = ManualRuntime::new();
    runtime.set_auto_advance(false); // a file is read on another thread, in real time
    let once = Reply::ok().body(r#"{"access_token":"t0ken","expires_in":0}"#);
    let endpoint = Endpoint::new(&runtime, [once]);
    let builder = endpoint.client().client_secret(SecretSource::file(path));
    let credentials = builder.auth_method(ClientAuthMethod::Post).build().unwrap();
    (endpoint, credentials)
}

fn fetch((endpoint, credentials): &(Endpoint, ClientCredentials)) -> Result<(), AuthError> {
    endpoint.runtime.block_on(credentials.get_token()).map(drop)
}

/// The secret of the last request.
fn sent((endpoint, _): &(Endpoint, ClientCredentials)) -> String {
    let requests = endpoint.mock.requests();
    let form = requests.last().unwrap().body().clone();
    let secret = url::form_urlencoded::parse(&form).find(|(name, _)| name == "client_secret");
    secret.unwrap().1.into_owned()
}

#[test]
fn a_secret_that_rotates_is_picked_up_by_the_next_fetch() {
    let file = Mounted::new("rotated", "one");
    let client = of_file(&file.0);
    fetch(&client).unwrap();
    assert_eq!(sent(&client), "one");
    file.write("two\n");
    fetch(&client).unwrap();
    assert_eq!(sent(&client), "two");
    // As Kubernetes does it: another file takes the name.
    let next = Mounted::new("rotated-next", "three");
    fs::rename(&next.0, &file.0).unwrap();
    fetch(&client).unwrap();
    assert_eq!((sent(&client).as_str(), client.0.requests()), ("three", 3));
}

#[test]
fn one_line_end_is_no_part_of_a_secret() {
    let file = Mounted::new("lines", "");
    let client = of_file(&file.0);
    for (content, secret) in [
        ("hunter+2", "hunter+2"),
        ("hunter+2\n", "hunter+2"),
        ("hunter+2\r\n", "hunter+2"),
        ("hunter+2\n\n", "hunter+2\n"),
        (" hunter+2 \n", " hunter+2 "),
        ("a+b % / : & ü\n", "a+b % / : & ü"),
        ("line one\nline two\n", "line one\nline two"),
    ] {
        file.write(content);
        fetch(&client).unwrap();
        assert_eq!(sent(&client), secret, "{content:?}");
    }
    let longest = "x".repeat(64 * 1024);
    file.write(&longest);
    fetch(&client).unwrap();
    assert_eq!(sent(&client), longest);
}

#[test]
fn a_file_that_is_no_secret_is_named_and_nothing_is_asked() {
    let file = Mounted::new("broken", "");
    let path = file.0.display().to_string();
    for (content, problem) in [
        (&b""[..], "is empty: write the secret to it"),
        (b"\n", "is empty: write the secret to it"),
        (b"\r\n", "is empty: write the secret to it"),
        (b"hunter+2\xff", "is no UTF-8: write the secret as text"),
        (&[b'x'; 64 * 1024 + 1], "has more than 64 KiB: that is no secret; check the path"),
    ] {
        file.write(content);
        let client = of_file(&file.0);
        let error = fetch(&client).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Configuration);
        assert_eq!(message(&error), format!("the secret file {path} {problem}"));
        keeps_quiet(&error);
        assert!(!shown(&error).contains("xxx"));
        assert_eq!(client.0.requests(), 0, "{problem}");
    }
    for (path, cause) in [("/no/such/hunter", "No such file"), ("/", "Is a directory")] {
        let error = fetch(&of_file(Path::new(path))).unwrap_err();
        let says = format!(
            "the secret file {path} cannot be read: check that it is mounted and who may read it"
        );
        assert_eq!((error.kind(), message(&error)), (AuthErrorKind::Configuration, says));
        assert!(shown(&error).contains(cause), "{}", shown(&error));
    }
}

#[test]
fn a_file_that_comes_back_heals_after_the_pause() {
    let file = Mounted::new("late", "");
    let client = of_file(&file.0);
    let error = fetch(&client).unwrap_err();
    file.write("hunter+2");
    fetch(&client).unwrap_err(); // within the pause, nobody looks
    client.0.runtime.advance(error.retry_in().unwrap());
    fetch(&client).unwrap();
    assert_eq!(sent(&client), "hunter+2");
}

#[test]
fn a_value_is_hidden_and_sent_as_it_is() {
    let source = SecretSource::from("hunter+2\n".to_owned());
    assert!(!format!("{source:?}").contains("hunter"));
    let runtime = ManualRuntime::new();
    let endpoint = Endpoint::new(&runtime, [Reply::ok().body(super::FINE)]);
    let builder = endpoint.client().client_secret(source).auth_method(ClientAuthMethod::Post);
    let client = (endpoint, builder.build().unwrap());
    fetch(&client).unwrap();
    assert_eq!(sent(&client), "hunter+2\n");
}

/// The name of the test that runs itself again, with an environment of its own.
const ITSELF: &str = "secrets::a_variable_is_read_when_it_is_named";

#[test]
fn a_variable_is_read_when_it_is_named() {
    let Some(_) = env::var_os("MIDIL_TEST_CHILD") else {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", ITSELF]).env("MIDIL_TEST_CHILD", "1");
        child.env("MIDIL_TEST_GOOD", "hunter+2 ").env("MIDIL_TEST_EMPTY", "");
        child.env("MIDIL_TEST_BYTES", OsStr::from_bytes(b"hunter+2\xff"));
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    };
    for (variable, problem) in [
        ("MIDIL_TEST_EMPTY", "is empty: set it to the secret"),
        ("MIDIL_TEST_BYTES", "is not Unicode: set it to the secret"),
        ("MIDIL_TEST_UNSET", "is not set: set it to the secret"),
    ] {
        let error = SecretSource::env(variable).unwrap_err();
        assert_eq!(error.to_string(), format!("{variable} {problem}"));
        assert_eq!(error.setting(), variable);
        assert!(!shown(&error).contains("hunter"));
    }
    let source = SecretSource::env("MIDIL_TEST_GOOD").unwrap();
    assert!(!format!("{source:?}").contains("hunter"));
    let runtime = ManualRuntime::new();
    let endpoint = Endpoint::new(&runtime, [Reply::ok().body(super::FINE)]);
    let builder = endpoint.client().client_secret(source).auth_method(ClientAuthMethod::Post);
    let client = (endpoint, builder.build().unwrap());
    fetch(&client).unwrap();
    assert_eq!(sent(&client), "hunter+2 ");
}
