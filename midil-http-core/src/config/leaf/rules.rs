//! [`Rule`]: what a setting allows beyond what its kind can be.

use std::path::PathBuf;
use std::time::Duration;

use super::{Leaf, SecretSetting, UrlSetting};
use crate::redact;

/// What a setting allows.
pub(crate) struct Rule<T> {
    /// As it follows "give": for values that are of another kind, and for variables.
    pub(in crate::config) allowed: &'static str,
    /// What is wrong with a value, and what to do.
    pub(in crate::config) problem: fn(&T) -> Option<String>,
}

impl<T> Clone for Rule<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rule<T> {}

/// Whatever is of the kind.
pub(in crate::config) const fn any<T: Leaf>(allowed: &'static str) -> Rule<T> {
    Rule { allowed, problem: |_| None }
}

pub(in crate::config) const fn flag() -> Rule<bool> {
    any("true or false")
}

pub(in crate::config) const fn count<T: Leaf>() -> Rule<T> {
    any("a whole number, 0 or more")
}

pub(in crate::config) const fn positive_count<T: Leaf + Default + PartialEq>() -> Rule<T> {
    Rule {
        allowed: "a whole number above 0",
        problem: |count| (*count == T::default()).then(|| "is 0: give at least 1".to_owned()),
    }
}

pub(in crate::config) const fn length() -> Rule<Duration> {
    any("a finite number of seconds, 0 or more")
}

pub(in crate::config) const fn positive_length() -> Rule<Duration> {
    Rule {
        allowed: "a finite number of seconds above 0",
        problem: |length| length.is_zero().then(|| "is zero: give a positive duration".to_owned()),
    }
}

pub(in crate::config) const fn factor() -> Rule<f64> {
    Rule {
        allowed: "a finite number of at least 1",
        problem: |factor| {
            let sound = factor.is_finite() && *factor >= 1.0;
            (!sound).then(|| format!("is {factor}: give a finite number of at least 1"))
        },
    }
}

pub(in crate::config) const fn finite() -> Rule<f64> {
    Rule {
        allowed: "a finite number, 0 or more",
        problem: |number| {
            let sound = number.is_finite() && *number >= 0.0;
            (!sound).then(|| format!("is {number}: give a finite number, 0 or more"))
        },
    }
}

pub(in crate::config) const fn statuses() -> Rule<Vec<u16>> {
    Rule {
        allowed: "statuses of responses, such as 429 and 503",
        problem: |codes| {
            let wrong = codes.iter().find(|code| !(200..=999).contains(*code))?;
            Some(format!("has {wrong}: give statuses of responses, such as 429 and 503"))
        },
    }
}

const EMPTY: &str = "is empty: give a text, or leave it out";

pub(in crate::config) const fn text() -> Rule<String> {
    Rule { allowed: "a text", problem: |text| text.is_empty().then(|| EMPTY.to_owned()) }
}

/// Text that a header can hold.
pub(in crate::config) const fn visible() -> Rule<String> {
    Rule {
        allowed: "visible characters and spaces",
        problem: |text| {
            let sound = !text.is_empty() && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            (!sound).then(|| "cannot be sent: give visible ASCII and spaces".to_owned())
        },
    }
}

pub(in crate::config) const fn texts<T: Leaf>() -> Rule<Vec<T>> {
    any("a list of texts")
}

pub(in crate::config) const fn paths<T: Leaf>() -> Rule<T> {
    any("the path of a PEM file")
}

pub(in crate::config) const fn word<T: Leaf>(allowed: &'static str) -> Rule<T> {
    any(allowed)
}

pub(in crate::config) const fn secret() -> Rule<SecretSetting> {
    Rule {
        allowed: "a text, { env = \"NAME\" } or { file = \"PATH\" }",
        problem: |secret| {
            let empty = match secret {
                SecretSetting::Value(secret) => secret.expose().is_empty(),
                SecretSetting::Env(name) => name.is_empty(),
                SecretSetting::File(path) => *path == PathBuf::new(),
            };
            empty.then(|| "is empty: give the secret, or where it is".to_owned())
        },
    }
}

/// Credentials of a proxy have settings of their own, which are never written or shown.
pub(in crate::config) const fn proxy() -> Rule<UrlSetting> {
    Rule {
        allowed: "\"environment\", \"none\" or http://host:port without credentials",
        problem: |proxy| {
            proxy.as_str().contains('@').then(|| {
                format!(
                    "is \"{}\" with credentials: give them as proxy_username and proxy_password",
                    redact::url_text(proxy.as_str())
                )
            })
        },
    }
}
