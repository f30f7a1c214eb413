//! Settings from the environment: durations are seconds, an empty variable is unset, a bad one is an error.

use std::str::FromStr;

use super::seconds::Seconds;
use crate::{BuildError, Error};

/// Reads a variable of the process.
pub(super) fn variable(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(BuildError::new(name, "is not valid UTF-8: set it anew or unset it").into())
        }
    }
}

/// Sets `setting` from the variable `name`, unless it is set already or the variable is empty.
pub(super) fn fill<T>(
    setting: &mut Option<T>,
    lookup: &impl Fn(&str) -> Result<Option<String>, Error>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<(), Error> {
    if setting.is_some() {
        return Ok(());
    }
    let Some(value) = lookup(name)? else { return Ok(()) };
    let value = value.trim();
    if !value.is_empty() {
        let parsed = parse(value)
            .map_err(|allowed| BuildError::new(name, format!("is {value:?}: give {allowed}")))?;
        *setting = Some(parsed);
    }
    Ok(())
}

pub(super) fn seconds(value: &str) -> Result<Seconds, &'static str> {
    let allowed = "a finite number of seconds, 0 or more";
    let seconds = value.parse().map(Seconds::Number).map_err(|_| allowed)?;
    seconds.duration().map(|_| seconds).map_err(|_| allowed)
}

pub(super) fn positive_seconds(value: &str) -> Result<Seconds, &'static str> {
    let allowed = "a finite number of seconds above 0";
    seconds(value)
        .ok()
        .filter(|seconds| seconds.duration().is_ok_and(|length| !length.is_zero()))
        .ok_or(allowed)
}

pub(super) fn count<T: FromStr>(value: &str) -> Result<T, &'static str> {
    value.parse().map_err(|_| "a whole number, 0 or more")
}

pub(super) fn positive_count<T: FromStr + Default + PartialEq>(
    value: &str,
) -> Result<T, &'static str> {
    value.parse().ok().filter(|count| *count != T::default()).ok_or("a whole number above 0")
}

pub(super) fn factor(value: &str) -> Result<f64, &'static str> {
    let sound = |factor: &f64| factor.is_finite() && *factor >= 1.0;
    value.parse().ok().filter(sound).ok_or("a finite number of at least 1")
}

pub(super) fn boolean(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("true or false"),
    }
}
