//! A token endpoint and an API in one, which notes the trace context of what it is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use midil_http_test::fault_server::{FaultServer, Reply};

pub(crate) struct Server(FaultServer);

impl Server {
    pub(crate) fn start() -> Self {
        let (tokens, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(FaultServer::respond_with(move |request| match request.target() {
            "/token" => {
                let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
                let token =
                    format!(r#"{{"access_token":"secret-token-{number}","expires_in":3600}}"#);
                Reply::ok(token)
            }
            _ if calls.fetch_add(1, Ordering::Relaxed) == 0 => Reply::status(503),
            _ if request.header("authorization") == Some("Bearer secret-token-1") => {
                Reply::status(401)
            }
            _ => Reply::ok("[]"),
        }))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.url())
    }

    /// The ids of the spans that caused its exchanges, but for token requests.
    pub(crate) fn parents(&self) -> Vec<String> {
        let requests = self.0.requests();
        let calls = requests.iter().filter(|request| request.target() != "/token");
        // version-trace-parent-flags
        let parent = |context: &str| context.split('-').nth(2).unwrap_or_default().to_owned();
        calls.map(|request| request.header("traceparent").map(parent).unwrap_or_default()).collect()
    }

    pub(crate) fn token_requests_had_no_context(&self) -> bool {
        let requests = self.0.requests();
        let mut tokens = requests.iter().filter(|request| request.target() == "/token");
        tokens.all(|request| request.header("traceparent").is_none())
    }
}
