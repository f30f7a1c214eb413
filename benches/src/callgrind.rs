//! Instructions of one process, counted by callgrind.
//!
//! All threads of the process are counted, between two calls of [`mark`]: after the warm-up, and after the last counted
//! call. callgrind writes a profile at each, so starting, connecting, warming up and stopping are in profiles of their
//! own.

use std::ffi::OsString;
use std::hint::black_box;
use std::path::PathBuf;
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

/// Begins and ends what is counted: callgrind, told so on its command line, writes out what it has when this is called.
/// Without callgrind it does nothing.
#[inline(never)]
pub(crate) fn mark() {
    black_box(());
}

/// This module's function of that name, however the compiler mangles it.
const MARK: &str = "--dump-before=*9callgrind4mark*";

/// The profile between the two marks: the first has what was before, and the last what came after.
const COUNTED: &str = "2";

/// The instructions of one call.
pub(crate) fn instructions(row: &Row, task: &Task) -> Result<u64, BoxError> {
    let profile = profile(row, task)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse::<u64>()? / task.calls)
}

/// The profile of the counted calls, in callgrind's own format.
pub(crate) fn profile(row: &Row, task: &Task) -> Result<String, BoxError> {
    let folder = Folder::create(row, task)?;
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(folder.0.join("profile"));

    let mut valgrind = Command::new("valgrind");
    command::bare(&mut valgrind);
    let output = valgrind
        .args(["--tool=callgrind", "--quiet", "--demangle=no", MARK])
        .arg(out)
        .arg(env::current_exe()?)
        .args(client::arguments(row, task))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let counted = folder.0.join("profile").with_extension(COUNTED);
    Ok(fs::read_to_string(counted).map_err(|error| format!("callgrind's profile: {error}"))?)
}

/// Where callgrind writes one process's profiles. Removed with this value.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn create(row: &Row, task: &Task) -> Result<Self, BoxError> {
        let name = format!("callgrind.{}.{}.{}", process::id(), row.key, task.case.key);
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}
