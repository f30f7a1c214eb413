use std::ffi::OsStr;
use std::process::Command;

use super::*;

/// What reading a file with that in it comes to.
fn read(name: &str, content: &[u8]) -> Result<String, String> {
    let path = std::env::temp_dir().join(format!("midil-secret-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    let read = SecretSetting::file(&path).read();
    std::fs::remove_file(&path).unwrap();
    let error = |error: BuildError| {
        let message = error.to_string();
        message.strip_prefix(&format!("the file {} ", path.display())).unwrap().to_owned()
    };
    read.map(|secret| secret.expose().to_owned()).map_err(error)
}

#[test]
fn a_file_is_taken_as_it_is_less_one_line_end() {
    for (content, secret) in
        [("hunter2", "hunter2"), ("hunter2\n", "hunter2"), ("a b\r\n", "a b"), (" a\n\n", " a\n")]
    {
        assert_eq!(read("text", content.as_bytes()).unwrap(), secret);
    }
    for content in ["", "\n", "\r\n"] {
        assert_eq!(
            read("empty", content.as_bytes()).unwrap_err(),
            "is empty: write the secret to it"
        );
    }
}

#[test]
fn a_file_that_is_no_secret_is_refused() {
    assert_eq!(
        read("binary", b"hunter2\xff").unwrap_err(),
        "is not valid UTF-8: write the secret as text"
    );
    let most = vec![b'a'; 1 << 20];
    let length = |name, content: &[u8]| read(name, content).map(|secret| secret.len());
    assert_eq!(length("longest", &most), Ok(most.len()));
    assert_eq!(
        length("longer", &[&most, &b"a"[..]].concat()),
        Err("has more than 1 MiB: that is no certificate and no secret".to_owned())
    );
}

const VARIABLE: &str = "MIDIL_HTTP_TEST_SECRET";
/// Set where the test is run by itself.
const CHILD: &str = "MIDIL_HTTP_TEST_CHILD";
const THIS: &str = "config::leaf::secret::tests::a_variable_holds_a_secret_or_is_named";

/// The environment of a process is set by whoever starts it.
#[test]
fn a_variable_holds_a_secret_or_is_named() {
    if std::env::var_os(CHILD).is_some() {
        match SecretSetting::env(VARIABLE).read() {
            Ok(secret) => println!("[{}]", secret.expose()),
            Err(error) => println!("[{error}]"),
        }
        return;
    }
    let told = |value: Option<&OsStr>| {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args([THIS, "--exact", "--nocapture"]).env(CHILD, "").env_remove(VARIABLE);
        process.envs(value.map(|value| (VARIABLE, value)));
        String::from_utf8(process.output().unwrap().stdout).unwrap()
    };
    let mut cases = vec![
        (Some(OsStr::new(" hunter2 ")), "[ hunter2 ]"),
        (None, "[the variable MIDIL_HTTP_TEST_SECRET is not set: set it to the secret]"),
        (
            Some(OsStr::new("")),
            "[the variable MIDIL_HTTP_TEST_SECRET is empty: set it to the secret]",
        ),
    ];
    #[cfg(unix)]
    cases.push((
        Some(std::os::unix::ffi::OsStrExt::from_bytes(b"hunter2\xff")),
        "[the variable MIDIL_HTTP_TEST_SECRET is not valid UTF-8: set it to the secret]",
    ));
    for (value, expected) in cases {
        let output = told(value);
        assert!(output.contains(expected), "{output}");
    }
}
