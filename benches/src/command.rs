//! Child processes: this very program again, in an environment that holds nothing a stack could read.

use std::env;
use std::process::Command;

use serde::de::DeserializeOwned;

use crate::BoxError;

/// This program, to be run with other arguments: no proxy, no log filter, no tuning from outside.
pub(crate) fn own() -> Result<Command, BoxError> {
    let mut command = Command::new(env::current_exe()?);
    bare(&mut command);
    Ok(command)
}

/// Runs this program with those arguments, and reads what it measured.
pub(crate) fn measure<T: DeserializeOwned>(arguments: &[String]) -> Result<T, BoxError> {
    let output = own()?.args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Clears the environment but for the path, which finds valgrind and its parts.
pub(crate) fn bare(command: &mut Command) {
    command.env_clear();
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
}
