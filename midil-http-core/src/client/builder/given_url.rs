//! [`GivenUrl`]: what somebody gave as a URL.

use crate::BuildError;

/// The text of a URL that is looked at when the client is built.
pub(super) struct GivenUrl {
    pub(super) text: String,
    /// The environment variable that it came from, if it did.
    pub(super) variable: Option<String>,
}

impl GivenUrl {
    pub(super) fn by_code(text: impl Into<String>) -> Self {
        Self { text: text.into(), variable: None }
    }

    /// What `parse` makes of it, or its error, which names the variable.
    pub(super) fn parse<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, BuildError>,
    ) -> Result<T, BuildError> {
        parse(&self.text).map_err(|error| match &self.variable {
            Some(variable) => error.set_by(variable),
            None => error,
        })
    }
}
