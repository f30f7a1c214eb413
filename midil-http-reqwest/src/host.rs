//! The `Host` of requests.

use std::sync::Mutex;

use http::{HeaderMap, HeaderValue, header};
use reqwest::Url;

/// The `Host` of the last request, ready for the next: most go to the same server. Where it is missing, hyper writes it for
/// each request, and the headers grow for it once more than they need.
///
/// For `http://` alone: of `https://` nobody knows yet whether it will be HTTP/2, which has no `Host`.
#[derive(Debug, Default)]
pub(crate) struct LastHost(Mutex<Option<HeaderValue>>);

impl LastHost {
    /// Names the host, unless the caller has. To be called when all other headers but those of framing are there, as hyper would.
    pub(crate) fn name(&self, url: &Url, headers: &mut HeaderMap) {
        if url.scheme() == "http"
            && !headers.contains_key(header::HOST)
            && let Some(host) = self.get(url.authority())
        {
            headers.insert(header::HOST, host);
        }
    }

    /// `None` when another thread is here, too: hyper writes it then.
    fn get(&self, host: &str) -> Option<HeaderValue> {
        let mut last = self.0.try_lock().ok()?;
        match &*last {
            Some(last) if last == host => {}
            _ => *last = Some(HeaderValue::from_str(host).ok()?),
        }
        last.clone()
    }
}
