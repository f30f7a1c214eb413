//! Running the example.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

/// Longer than any of these calls takes, and shorter than a test may hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call that is to be made.
#[derive(Default)]
pub(crate) struct Call {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) lines: Vec<Value>,
    pub(crate) output: String,
    pub(crate) problem: String,
}

/// A call with these arguments, in an environment without any variable.
pub(crate) fn call<T: Into<String>>(arguments: impl IntoIterator<Item = T>) -> Call {
    Call { arguments: arguments.into_iter().map(Into::into).collect(), ..Call::default() }
}

/// The arguments of a text, which are separated by spaces, and a URL after them.
pub(crate) fn of(options: &str, url: impl Into<String>) -> Call {
    call(options.split_whitespace().map(str::to_owned).chain([url.into()]))
}

impl Call {
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Makes the call. What hangs is ended, and fails.
    pub(crate) fn run(self) -> Ran {
        let shown = format!("{:?}", self.arguments);
        let mut child = Command::new(example())
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example can be run");
        let (mut input, mut output, mut problem) = (
            child.stdin.take().unwrap(),
            child.stdout.take().unwrap(),
            child.stderr.take().unwrap(),
        );
        // A program that does not read its input closes it.
        drop(input.write_all(&self.input));
        drop(input);
        let (done, finished) = channel();
        let reader = thread::spawn(move || {
            let (mut out, mut err) = (String::new(), String::new());
            output.read_to_string(&mut out).unwrap();
            problem.read_to_string(&mut err).unwrap();
            done.send(()).unwrap_or_default();
            (out, err)
        });
        if finished.recv_timeout(PATIENCE).is_err() {
            child.kill().unwrap();
            panic!("it hangs: {shown}");
        }
        let status = child.wait().unwrap();
        let (output, problem) = reader.join().unwrap();
        let lines = output.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        Ran { code: status.code().expect("no signal"), lines, output, problem }
    }

    /// Makes no call: what it prints instead.
    pub(crate) fn help(self) -> String {
        let output = Command::new(example()).args(&self.arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a call of one line; tells it and the exit status.
    pub(crate) fn line(self) -> (Value, i32) {
        let Ran { code, mut lines, problem, .. } = self.run();
        assert_eq!(lines.len(), 1, "{problem}");
        (lines.remove(0), code)
    }
}

/// The first few words of what went wrong: its kind, and nothing where all went well.
pub(crate) fn kind(line: &Value) -> &str {
    line["error"]["kind"].as_str().unwrap_or("none")
}

/// A file that is gone with its value.
pub(crate) struct Temp(PathBuf);

impl Temp {
    pub(crate) fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let file = Self::absent(name);
        std::fs::write(&file.0, content).unwrap();
        file
    }

    /// Only its name.
    pub(crate) fn absent(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("midil-call-{}-{name}", std::process::id())))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn read(&self) -> Option<String> {
        std::fs::read_to_string(&self.0).ok()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// The package's features, and whether this test has them: the example is built with the same, so that nothing else is built
/// anew.
const FEATURES: &[(&str, bool)] = &[
    ("default", cfg!(feature = "default")),
    ("reqwest", cfg!(feature = "reqwest")),
    ("retry", cfg!(feature = "retry")),
    ("auth", cfg!(feature = "auth")),
    ("redis", cfg!(feature = "redis")),
    ("hyper", cfg!(feature = "hyper")),
    ("isahc", cfg!(feature = "isahc")),
    ("charset", cfg!(feature = "charset")),
    ("fs", cfg!(feature = "fs")),
    ("tokio", cfg!(feature = "tokio")),
    ("cookies", cfg!(feature = "cookies")),
    ("multipart", cfg!(feature = "multipart")),
    ("gzip", cfg!(feature = "gzip")),
    ("brotli", cfg!(feature = "brotli")),
    ("zstd", cfg!(feature = "zstd")),
    ("deflate", cfg!(feature = "deflate")),
    ("otel", cfg!(feature = "otel")),
    ("tower", cfg!(feature = "tower")),
    ("full", cfg!(feature = "full")),
];

/// Where the example is: beside the folder of this test.
fn example() -> &'static Path {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let own = std::env::current_exe().expect("a test knows its binary");
        let profile = own.parent().and_then(Path::parent).expect("target/PROFILE/deps");
        let example =
            profile.join("examples").join(format!("call{}", std::env::consts::EXE_SUFFIX));
        if !is_fresh(&example) {
            build(profile);
        }
        example
    })
}

/// Whether it is there, and younger than its sources.
fn is_fresh(example: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/call");
    let newest = std::fs::read_dir(sources)
        .into_iter()
        .flatten()
        .filter_map(|file| changed(&file.ok()?.path()))
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH);
    changed(example).is_some_and(|built| built >= newest)
}

fn build(profile: &Path) {
    let features: Vec<_> = FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--example", "call", "--no-default-features", "--features"])
        .arg(features.join(","))
        .arg("--target-dir")
        .arg(profile.parent().expect("target/PROFILE"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo can be run").success(), "the example cannot be built");
}

#[test]
fn every_feature_of_the_package_reaches_the_example() {
    let manifest =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let mut declared: Vec<_> =
        manifest["features"].as_table().unwrap().keys().map(String::as_str).collect();
    let mut known: Vec<_> = FEATURES.iter().map(|(name, _)| *name).collect();
    declared.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, declared);
}
