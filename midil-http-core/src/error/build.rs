//! [`BuildError`].

use std::fmt;

use super::BoxError;
use crate::redact;

/// A request, client or configuration that cannot be; nothing was sent.
///
/// It names the setting, what is wrong with it, and the remedy.
#[derive(Debug)]
pub struct BuildError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    setting: String,
    problem: String,
    source: Option<BoxError>,
}

impl BuildError {
    /// `problem` says what is wrong with `setting`, and what to do.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = midil_http_core::BuildError::new("timeout", "is zero: give a positive duration");
    /// assert_eq!(error.to_string(), "timeout is zero: give a positive duration");
    /// assert_eq!(error.setting(), "timeout");
    /// ```
    #[must_use]
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(Box::new(Inner { setting: setting.into(), problem: problem.into(), source: None }))
    }

    /// The same error, with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What cannot be as it is: `timeout`, `header x-tenant`, `HTTP_MAX_RETRIES`.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.0.setting
    }

    /// What is wrong, without what it is wrong with.
    pub(crate) fn problem(&self) -> &str {
        &self.0.problem
    }

    /// The same error, saying in which part of a configuration its setting is: `capacity` within `retry.budget`.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = midil_http_core::BuildError::new("capacity", "is 0: raise it");
    /// assert_eq!(error.within("retry.budget").to_string(), "retry.budget.capacity is 0: raise it");
    /// ```
    #[must_use]
    pub fn within(mut self, section: &str) -> Self {
        // What is no name of a setting, such as "the file /a.pem", stands for itself.
        let first = self.0.setting.split(": ").next().unwrap_or_default();
        let joint = if first.contains([' ', '/']) { ": " } else { "." };
        self.0.setting = format!("{section}{joint}{}", self.0.setting);
        self
    }

    /// The same error, saying which environment variable the setting came from.
    pub(crate) fn set_by(mut self, variable: &str) -> Self {
        let names = |text: &str| text.contains(variable);
        if !names(&self.0.setting) && !names(&self.0.problem) {
            self.0.problem.push_str(&format!(" (it is set by {variable})"));
        }
        self
    }

    /// A URL that cannot be used; its secrets are cut off.
    pub(crate) fn url(text: &str, problem: impl fmt::Display) -> Self {
        Self::new(
            format!("URL \"{}\"", redact::url_text(text)),
            format!("cannot be used: {problem}"),
        )
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.setting, self.0.problem)
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
