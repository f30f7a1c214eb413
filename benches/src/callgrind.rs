//! Instructions of one process, counted by callgrind.
//!
//! The whole process is counted, twice: with N calls and with 2 N. What differs is N calls; starting, connecting,
//! warming up and stopping are in both and cancel out.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::BoxError;
use crate::client::{self, Task};
use crate::command;
use crate::rows::Row;

/// What to tell someone who has no valgrind.
pub(crate) const MISSING: &str = "\
valgrind is not installed: instructions were not counted, allocations were.
To get it: `apt install valgrind`, `dnf install valgrind`, `pacman -S valgrind` or `apk add valgrind`; it runs on Linux.";

/// Whether valgrind is there to be run.
pub(crate) fn available() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The instructions of one call.
pub(crate) fn instructions(row: &Row, task: &Task) -> Result<u64, BoxError> {
    let (once, twice) = both(row, task)?;
    let calls = twice.total()?.checked_sub(once.total()?).ok_or("twice the calls cost less")?;
    Ok(calls / task.calls)
}

/// Profiles of N and of 2 N calls.
pub(crate) fn both(row: &Row, task: &Task) -> Result<(Profile, Profile), BoxError> {
    let twice = Task { calls: 2 * task.calls, ..task.clone() };
    Ok((Profile::record(row, task)?, Profile::record(row, &twice)?))
}

/// The instructions of this program, run with those arguments, in the parts that it was divided into by calls of a function
/// with that in its symbol: the last of them is what came after the last call.
pub(crate) fn parts(arguments: &[String], mark: &str) -> Result<Vec<u64>, BoxError> {
    let whole = env::temp_dir().join(format!("callgrind.{}.parts", process::id()));
    let mark = format!("--dump-before=*{mark}*");
    let run = run(&whole, &["--dump-line=no", &mark], arguments);
    let mut parts = Vec::new();
    for number in 1.. {
        let mut file = whole.clone().into_os_string();
        file.push(format!(".{number}"));
        let part = Profile(file.into());
        if !part.0.exists() {
            break;
        }
        parts.push(part.total());
    }
    run?;
    parts.into_iter().collect()
}

/// Runs this program under callgrind, which writes to that file.
fn run(out: &Path, options: &[&str], arguments: &[String]) -> Result<(), BoxError> {
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(out);
    let mut valgrind = Command::new("valgrind");
    command::bare(&mut valgrind);
    let output = valgrind
        .args(["--tool=callgrind", "--quiet", "--demangle=no"])
        .arg(file)
        .args(options)
        .arg(env::current_exe()?)
        .args(arguments)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// One file that callgrind wrote. Removed with this value.
#[derive(Debug)]
pub(crate) struct Profile(PathBuf);

impl Profile {
    fn record(row: &Row, task: &Task) -> Result<Self, BoxError> {
        let name =
            format!("callgrind.{}.{}.{}.{}", process::id(), row.key, task.case.key, task.calls);
        let profile = Self(env::temp_dir().join(name));
        run(&profile.0, &[], &client::arguments(row, task))?;
        Ok(profile)
    }

    /// Where the profile is, in callgrind's own format.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// All instructions of the process.
    fn total(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(&self.0)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}
