//! What several concerns need to set up a test.

use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use midil_http::{
    Attempt, AuthError, AuthErrorKind, AuthNHeaders, AuthNProvider, AuthNToken, Error, HttpClient,
    HttpClientBuilder, Outcome, RequestHead, RetryDecision, RetryStrategy, Transport, async_trait,
};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// Where the clients of [`over`] send to.
pub(crate) const BASE: &str = "https://api.test/v1";

/// What no message and no formatting may show.
pub(crate) const SECRET: &str = "hunter2";

/// Begins a client of [`BASE`].
pub(crate) fn over(transport: impl Transport) -> HttpClientBuilder {
    HttpClient::builder(transport).base_url(BASE)
}

/// All values of a header, in their order.
pub(crate) fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.get_all(name).iter().map(text).collect()
}

/// These names of headers, and that of what is accepted where a feature decodes an encoding; in alphabetical order.
pub(crate) fn and_what_is_accepted<const N: usize>(names: [&'static str; N]) -> Vec<&'static str> {
    let decoded =
        cfg!(any(feature = "gzip", feature = "brotli", feature = "zstd", feature = "deflate"));
    let mut all: Vec<_> = names.into_iter().chain(decoded.then_some("accept-encoding")).collect();
    all.sort_unstable();
    all
}

/// Makes up to `attempts` attempts, without a wait, as long as they come to an error or a 5xx.
pub(crate) fn up_to(attempts: u32) -> impl RetryStrategy {
    move |attempt: &Attempt<'_>| {
        let failed = match attempt.outcome {
            Outcome::Response(head) => head.status.is_server_error(),
            Outcome::Error(_) => true,
        };
        if failed && attempt.number < attempts {
            RetryDecision::Retry { after: Duration::ZERO }
        } else {
            RetryDecision::Accept
        }
    }
}

/// What happened, in its order, as told by several parties.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Display) {
        self.0.lock().expect("no test panics while it writes").push(what.to_string());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no test panics while it writes").clone()
    }
}

/// Bearer tokens `t1`, `t2`, and so on: a new one, and a new generation, for each time it is asked.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    asked: Arc<AtomicU32>,
    log: Log,
}

impl Tokens {
    /// How many tokens were given.
    pub(crate) fn given(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// The generations that the server was said to reject.
    pub(crate) fn rejected(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Gives a token to somebody else.
    pub(crate) fn skip(&self) {
        self.next();
    }

    fn next(&self) -> (u32, AuthNToken) {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        (number, AuthNToken::new(format!("t{number}")))
    }
}

#[async_trait]
impl AuthNProvider for Tokens {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(self.next().1)
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let (number, token) = self.next();
        Ok(AuthNHeaders::from_token(&token)?.with_generation(number.into()))
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        self.log.note(rejected.generation());
    }
}

/// A provider of these headers, always.
pub(crate) struct Fixed(AuthNHeaders);

impl Fixed {
    pub(crate) fn new(headers: &[(&'static str, &'static str)]) -> Self {
        let with = |all: AuthNHeaders, (name, value): &(&'static str, &'static str)| {
            all.with(HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Self(headers.iter().fold(AuthNHeaders::new(), with))
    }
}

#[async_trait]
impl AuthNProvider for Fixed {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Err(AuthError::new(AuthErrorKind::Other, "there is no token: use get_headers"))
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        Ok(self.0.clone())
    }
}

/// The [`Error::Build`] that this comes to; panics for anything else.
#[track_caller]
pub(crate) fn build_error<T>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(error @ Error::Build(_)) => error.to_string(),
        Err(error) => panic!("{error:?} is no Error::Build"),
        Ok(_) => panic!("there is no error"),
    }
}

/// To be called by who listens to what is logged, before it does.
///
/// As long as there is one subscriber, whoever logs something for the first time asks that of its own thread whether it is
/// wanted, and everybody abides by the answer. With these two, all are asked, whatever their thread.
pub(crate) fn every_thread_is_heard() {
    static OTHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();
    OTHERS.get_or_init(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::default())));
}

/// The product with its default features, at work.
#[cfg(all(feature = "reqwest", feature = "retry"))]
pub(crate) mod whole {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use midil_http::{
        Body, DefaultRetryStrategy, DefaultRetryStrategyBuilder, Error, HttpClient,
        HttpClientBuilder, Phase, ReqwestTransport, Retry, RetryExhausted, RetryStrategy,
        RetryTransport, Sent, TimeoutKind, Transport, TransportError, TransportErrorKind,
    };
    use midil_http_test::ManualRuntime;
    use midil_http_test::fault_server::FaultServer;

    /// Runs a test of real sockets on one thread, where it is known what comes first. One that would hang fails instead.
    pub(crate) fn on_the_wire(test: impl Future<Output = ()>) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let limit = Duration::from_secs(60);
        runtime.block_on(async { tokio::time::timeout(limit, test).await.expect("it hangs") });
    }

    /// Lets the others have their turns until `done`.
    pub(crate) async fn until(done: impl Fn() -> bool + Send) {
        while !done() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until every connection is closed; there was one at least.
    pub(crate) async fn until_left(server: &FaultServer) {
        until(|| server.connections() > 0 && server.open_connections() == 0).await;
    }

    /// Begins a client of a real server, over reqwest, on time that stands still.
    pub(crate) fn of(server: &FaultServer) -> HttpClientBuilder {
        let transport = ReqwestTransport::try_new().expect("reqwest works here");
        HttpClient::builder(transport).base_url(server.url()).runtime(ManualRuntime::new())
    }

    /// The two doors to the retry loop, which are to behave alike.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Door {
        /// The client's own slot.
        Client,
        /// A wrapper of the client's transport.
        Transport,
    }

    impl Door {
        pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Transport];

        /// Begins a client that retries as `strategy` says.
        pub(crate) fn client(
            self,
            transport: impl Transport,
            strategy: impl RetryStrategy,
            runtime: &ManualRuntime,
        ) -> HttpClientBuilder {
            let builder = match self {
                Self::Client => HttpClient::builder(transport).retry(strategy),
                Self::Transport => {
                    let wrapped = RetryTransport::new(transport, strategy).with_seed(7);
                    HttpClient::builder(wrapped.with_runtime(runtime.clone()))
                }
            };
            builder.base_url(super::BASE).runtime(runtime.clone()).seed(7)
        }

        /// The same, of the real server at `url`, on time that stands still.
        pub(crate) fn of(self, url: impl Into<String>, strategy: impl RetryStrategy) -> HttpClient {
            let transport = ReqwestTransport::try_new().expect("reqwest works here");
            let client = self.client(transport, strategy, &ManualRuntime::new()).base_url(url);
            client.build().expect("a good client")
        }
    }

    /// The default strategy, without waits.
    pub(crate) fn by_default() -> DefaultRetryStrategy {
        at_once().build().expect("a good strategy")
    }

    /// Begins the same.
    pub(crate) fn at_once() -> DefaultRetryStrategyBuilder {
        DefaultRetryStrategy::builder().backoff(|_: &Retry| Duration::ZERO)
    }

    /// The spans in which the calls of `test`, on this thread, began; in their order.
    pub(crate) fn parents_of_calls(test: impl FnOnce()) -> Vec<Option<&'static str>> {
        use tracing::span::{Attributes, Id};
        use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
        use tracing_subscriber::registry::LookupSpan;

        #[derive(Clone, Default)]
        struct Parents(std::sync::Arc<std::sync::Mutex<Vec<Option<&'static str>>>>);

        impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Parents {
            fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
                let span = context.span(id).expect("it is new");
                if span.metadata().target().starts_with("midil") {
                    let parent = span.parent().map(|parent| parent.name());
                    self.0.lock().expect("nobody panics with it").push(parent);
                }
            }
        }

        super::every_thread_is_heard();
        let parents = Parents::default();
        let subscriber = tracing_subscriber::registry().with(parents.clone());
        tracing::subscriber::with_default(subscriber, test);
        let parents = parents.0.lock().expect("nobody panics with it");
        parents.clone()
    }

    /// A failure on the way to the server, or back.
    pub(crate) fn failure(kind: TransportErrorKind, sent: Sent) -> Error {
        TransportError::new(kind, sent, "it failed").into()
    }

    /// The [`Error::RetryExhausted`] that this comes to; panics for anything else.
    #[track_caller]
    pub(crate) fn exhausted<T>(outcome: Result<T, Error>) -> RetryExhausted {
        match outcome {
            Err(Error::RetryExhausted(exhausted)) => exhausted,
            Err(error) => panic!("{error:?} is no Error::RetryExhausted"),
            Ok(_) => panic!("there is no error"),
        }
    }

    /// Which timeout this comes to, after how long, and in which phase; panics for anything else.
    #[track_caller]
    pub(crate) fn timed_out<T>(outcome: Result<T, Error>) -> (TimeoutKind, Duration, Phase) {
        match outcome {
            Err(Error::Timeout(error)) => (error.kind(), error.after(), error.phase()),
            Err(error) => panic!("{error:?} is no Error::Timeout"),
            Ok(_) => panic!("there is no error"),
        }
    }

    /// A file that is gone with its value.
    pub(crate) struct TempFile(PathBuf);

    impl TempFile {
        pub(crate) fn new(content: &[u8]) -> Self {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("midil-bodies-{}-{number}", std::process::id());
            let file = Self(std::env::temp_dir().join(name));
            std::fs::write(&file.0, content).expect("there is room for a file");
            file
        }

        pub(crate) async fn body(&self) -> Body {
            Body::file(&self.0).await.expect("the file is there")
        }

        pub(crate) fn set_length(&self, length: u64) {
            let file = std::fs::OpenOptions::new().write(true).open(&self.0);
            file.and_then(|file| file.set_len(length)).expect("the file is there");
        }
    }

    impl AsRef<Path> for TempFile {
        fn as_ref(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for TempFile {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }
}

/// The names that a `lib.rs` or `mod.rs` re-exports.
pub(crate) fn reexported(source: &str) -> std::collections::BTreeSet<String> {
    let code: String = source
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .flat_map(|line| [line, " "])
        .collect();
    let uses = code.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.flat_map(|names| {
        let list = names.split_once('{').map_or(names, |(_, list)| list.trim_end_matches('}'));
        list.split(',').map(|name| name.trim().trim_end_matches('}').trim().to_owned())
    });
    let last = |name: String| name.rsplit("::").next().unwrap_or_default().to_owned();
    names.map(last).filter(|name| !name.is_empty()).collect()
}
