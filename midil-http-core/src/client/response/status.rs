//! The status of a [`Response`] as an error.

use super::Response;
use crate::{Error, StatusError};

impl Response {
    /// The response itself, unless its status is a 4xx or 5xx.
    ///
    /// # Errors
    ///
    /// [`Error::Status`], with status, headers and the first 8 KiB of the body.
    pub async fn error_for_status(self) -> Result<Self, Error> {
        if self.head.status.is_client_error() || self.head.status.is_server_error() {
            Err(self.into_status_error().await.into())
        } else {
            Ok(self)
        }
    }

    /// The status as an error, with the beginning of the body.
    pub(crate) async fn into_status_error(self) -> StatusError {
        let mut body = self.body;
        let mut kept = Vec::new();
        // A body that breaks off is no reason to hide the status.
        while kept.len() < StatusError::BODY_LIMIT
            && let Ok(Some(chunk)) = body.chunk().await
        {
            kept.extend_from_slice(&chunk);
        }
        StatusError::new(self.head.status, self.head.headers, kept)
    }
}
