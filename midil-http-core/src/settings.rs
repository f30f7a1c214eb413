//! [`CallSettings`]: what one call wants other than its client does.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::RetryStrategy;

/// What the caller set for one call.
///
/// [`RequestBuilder`](crate::RequestBuilder) writes it; it travels in the request's extensions, so that the client's
/// slots and the wrappers of a transport (`RetryTransport` and its like) see the same. `None` means: as the client is
/// set.
///
/// # Examples
///
/// ```
/// use midil_http_core::{CallSettings, Request};
///
/// let mut request = Request::get("https://example.com/")?;
/// let mut settings = CallSettings::default();
/// settings.idempotent = Some(true);
/// request.extensions_mut().insert(settings);
/// assert!(request.head().is_idempotent());
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallSettings {
    /// The longest an attempt may go without progress.
    pub timeout: Option<Duration>,
    /// The longest one attempt may take, its body included.
    pub attempt_timeout: Option<Duration>,
    /// The longest the whole call may take.
    pub total_timeout: Option<Duration>,
    /// Whether sending the request twice is as good as once, whatever its method.
    pub idempotent: Option<bool>,
    /// Whether the provider is asked for credentials.
    pub authenticate: Option<bool>,
    /// Whether encodings of the response's body are announced and decoded.
    pub decompress: Option<bool>,
    /// Whether a download that breaks off goes on where it was.
    pub resumable: Option<bool>,
    /// The path of the URL with names in the place of what varies, such as `/users/{id}`: what metrics and spans show of it
    /// (`url.template`). There should be few of them, and none may hold a secret.
    pub url_template: Option<Cow<'static, str>>,
    /// The strategy of this call.
    pub retry: Option<RetryChoice>,
}

/// Whether and how a call is retried.
///
/// # Examples
///
/// ```
/// use midil_http_core::{CallSettings, RetryChoice};
///
/// let mut settings = CallSettings::default();
/// settings.retry = Some(RetryChoice::Never); // as RequestBuilder::no_retry does
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum RetryChoice {
    /// Not at all.
    Never,
    /// As this strategy says.
    Strategy(Arc<dyn RetryStrategy>),
}

impl fmt::Debug for RetryChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "Never",
            Self::Strategy(_) => "Strategy(..)",
        })
    }
}
