//! [`Ended`]: what a call or a request came to.

use std::fmt;

use http::{StatusCode, Version};

use crate::Error;

/// What a call or a request came to.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Ended, Event};
///
/// // For metrics: the words of OpenTelemetry's attributes.
/// let words = |ended: &Ended<'_>| {
///     let status = ended.status().map(|status| status.as_u16());
///     (status, ended.protocol_version(), ended.error_type().map(str::to_owned))
/// };
/// let observer = move |event: &Event<'_>| match event {
///     Event::CallEnded(call) => println!("{:?}", words(&call.ended)),
///     Event::RetryGivenUp(call) => println!("given up: {}", call.reason_name()),
///     _ => {}
/// };
/// # fn is_observer(_: impl midil_http_core::Observer) {}
/// # is_observer(observer);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Ended<'a> {
    /// The head of a response.
    Response {
        /// Its status.
        status: StatusCode,
        /// The protocol that it came by.
        version: Version,
    },
    /// An error.
    Error(&'a Error),
    /// The `total_timeout` of the call ended a request that was under way.
    TimedOut,
    /// The client was [closed](crate::HttpClient::close), and its grace was over, while a request was under way.
    Closed,
    /// It was dropped before it came to anything: by a caller who lost interest, for a hedge that was quicker, by a panic.
    Dropped,
}

impl Ended<'_> {
    pub(crate) fn of<'a, B>(outcome: &'a Result<http::Response<B>, Error>) -> Ended<'a> {
        match outcome {
            Ok(response) => {
                Ended::Response { status: response.status(), version: response.version() }
            }
            Err(error) => Ended::Error(error),
        }
    }

    /// The status of the response, one that became an error among them.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Response { status, .. } => Some(*status),
            Self::Error(error) => error.status(),
            Self::TimedOut | Self::Closed | Self::Dropped => None,
        }
    }

    /// `1.1`, `2` and so on, of a response (`network.protocol.version`).
    #[must_use]
    pub fn protocol_version(&self) -> Option<&'static str> {
        let Self::Response { version, .. } = self else { return None };
        protocol_version(*version)
    }

    /// What went wrong, in words of which there are few (`error.type`): the code of a 4xx or 5xx, the
    /// [kind](Error::kind) of an error (`Timeout`, `Transport`, `RetryExhausted`…), or `Cancelled`. `None` when nothing did.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        match self {
            Self::Response { status, .. } => {
                (status.is_client_error() || status.is_server_error()).then(|| status.as_str())
            }
            Self::Error(error) => Some(error.kind()),
            Self::TimedOut => Some("Timeout"),
            Self::Closed => Some("Closed"),
            Self::Dropped => Some("Cancelled"),
        }
    }
}

impl fmt::Debug for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { status, version } => f
                .debug_struct("Response")
                .field("status", status)
                .field("version", version)
                .finish(),
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::TimedOut => f.write_str("TimedOut"),
            Self::Closed => f.write_str("Closed"),
            Self::Dropped => f.write_str("Dropped"),
        }
    }
}

/// `1.1`, `2` and so on.
pub(crate) const fn protocol_version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_the_version_that_opentelemetry_gives_it() {
        for (version, word) in [
            (Version::HTTP_09, "0.9"),
            (Version::HTTP_10, "1.0"),
            (Version::HTTP_11, "1.1"),
            (Version::HTTP_2, "2"),
            (Version::HTTP_3, "3"),
        ] {
            let ended = Ended::Response { status: StatusCode::OK, version };
            assert_eq!(ended.protocol_version(), Some(word));
        }
        assert_eq!(Ended::TimedOut.protocol_version(), None);
    }
}
