//! A token endpoint and all that can be wrong with it, through the public interface, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod bodies;
mod faults;
mod outage;
mod rows;
mod secrets;

use std::error::Error as StdError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use midil_auth::{ClientCredentials, ClientCredentialsBuilder};
use midil_http_core::{AuthError, Body, Error, Request, Runtime, Transport, async_trait};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const FINE: &str = r#"{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}"#;

/// What no error may show: secret, id, query and token, and the secrets as they are sent.
const HIDDEN: [&str; 7] =
    ["hunter+2", "hunter%2B2", "r3ports", "key=", "k3y", "t0ken", "cjNwb3J0czpodW50ZXIlMkIy"];

/// A token endpoint, and when it was asked.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) mock: MockTransport,
    pub(crate) runtime: ManualRuntime,
    asked: Arc<Mutex<Vec<Duration>>>,
}

impl Endpoint {
    /// One that gives `replies`, the last of them again and again.
    pub(crate) fn new(runtime: &ManualRuntime, replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: Vec<_> = replies.into_iter().collect();
        let last = replies.pop().expect("a reply");
        let mock = MockTransport::always(last);
        replies.into_iter().for_each(|reply| drop(mock.reply(reply)));
        Self { mock, runtime: runtime.clone(), asked: Arc::default() }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> ClientCredentialsBuilder {
        ClientCredentials::builder(self.clone())
            .token_url("https://login.test/token?key=k3y")
            .client_id("r3ports")
            .client_secret("hunter+2")
            .runtime(self.runtime.clone())
    }

    /// When it was asked, since the beginning of time.
    pub(crate) fn asked(&self) -> Vec<Duration> {
        self.asked.lock().unwrap().clone()
    }

    /// How often it was asked; nothing that was scripted is left over or missing.
    pub(crate) fn requests(&self) -> usize {
        drop(self.mock.mismatch());
        self.mock.request_count()
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        self.asked.lock().unwrap().push(self.runtime.elapsed());
        self.mock.send(request).await
    }
}

/// Everything that an error shows, in any way.
pub(crate) fn shown(error: &(dyn StdError + 'static)) -> String {
    let mut texts = vec![format!("{error:?} {error:#?}")];
    let mut next = Some(error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts.join("\n")
}

/// Checks that nothing of an error is secret.
#[track_caller]
pub(crate) fn keeps_quiet(error: &AuthError) {
    let shown = shown(error);
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{hidden} is in {shown}");
    }
}

/// The message without the pause, which is another each time.
pub(crate) fn message(error: &AuthError) -> String {
    let text = error.to_string();
    let end = text.find("; the next try is").expect("errors of a cache tell the pause");
    text[..end].to_owned()
}

/// Lets time pass.
pub(crate) fn pass(runtime: &ManualRuntime, time: Duration) {
    runtime.block_on(runtime.sleep(time));
}
