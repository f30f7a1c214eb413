//! The body of a [`Response`] as JSON.

use serde::de::DeserializeOwned;

use super::Response;
use crate::{DecodeError, Error};

impl Response {
    /// The whole body, parsed as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when it is no JSON of that shape, and as [`bytes`](Self::bytes).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| decode_error(&error).into())
    }
}

/// Where the JSON is wrong; not with what value, as the parser would tell: it may be a secret.
pub(crate) fn decode_error(error: &serde_json::Error) -> DecodeError {
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            "a value that is not of the expected type or is missing"
        }
        serde_json::error::Category::Eof => "the end of the text",
        _ => "something that is no JSON",
    };
    let place = format!("{what}, at line {} column {}", error.line(), error.column());
    DecodeError::new("JSON of the expected shape", place)
}
