//! A client that is closed while its calls are everywhere: in the queue, waiting for a token, for the head, for the next
//! attempt, and reading bodies.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use midil_http::{
    Attempt, AuthError, AuthNHeaders, AuthNProvider, AuthNToken, Body, Error, HttpClient, Outcome,
    Request, RequestHead, RetryDecision, Runtime, Transport, async_trait,
};
use midil_http_test::ManualRuntime;
use tokio::sync::Semaphore;

use super::SECOND;
use crate::support::over;

/// Whoever has a share is under way.
type Share = Arc<()>;

/// Where the calls are when the client is closed. Each phase is named by a path; half of its calls get on with it after a second,
/// the others never.
const PHASES: [&str; 5] = ["queue", "token", "head", "backoff", "body"];

/// Waits as `url` says.
async fn wait(head: &RequestHead, runtime: &ManualRuntime) {
    let ends = head.url.path().ends_with("/ends");
    runtime.sleep(if ends { SECOND } else { Duration::MAX }).await;
}

fn is_in(head: &RequestHead, phase: &str) -> bool {
    head.url.path().contains(phase)
}

struct Server {
    runtime: ManualRuntime,
    share: Share,
    /// Of those in the queue, nobody is let in before the places are free.
    places: Arc<Semaphore>,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let share = Arc::clone(&self.share);
        let head = request.head();
        if is_in(head, "queue") {
            let free = async {
                wait(head, &self.runtime).await;
                self.places.add_permits(1);
            };
            let (_permit, ()) = tokio::join!(self.places.acquire(), free);
        }
        if is_in(head, "head") {
            wait(head, &self.runtime).await;
        }
        if is_in(head, "backoff") && !head.headers.contains_key("x-again") {
            let busy = http::Response::builder().status(503).header("x-path", head.url.path());
            return Ok(busy.body(Body::empty()).expect("a response"));
        }
        let (head, _) = request.into_parts();
        let is_slow = is_in(&head, "body");
        let runtime = self.runtime.clone();
        let pieces = stream::iter(["hello", ", ", "world"]).then(move |piece| {
            let (head, runtime, _share) = (head.clone(), runtime.clone(), Arc::clone(&share));
            async move {
                if is_slow && piece == "world" {
                    wait(&head, &runtime).await;
                }
                Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes()))
            }
        });
        Ok(http::Response::new(Body::stream(pieces)))
    }
}

struct Provider(ManualRuntime, Share);

#[async_trait]
impl AuthNProvider for Provider {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new("unused"))
    }

    async fn get_headers(&self, head: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let _share = Arc::clone(&self.1);
        if is_in(head, "token") {
            wait(head, &self.0).await;
        }
        AuthNHeaders::from_token(&AuthNToken::new("t"))
    }
}

/// Has another go at a 503, after a second or never.
fn again(attempt: &Attempt<'_>) -> RetryDecision {
    let Outcome::Response(head) = attempt.outcome else { return RetryDecision::Accept };
    match head.headers.get("x-path").map(|path| path.as_bytes().ends_with(b"/ends")) {
        Some(true) if attempt.number == 1 => RetryDecision::Retry { after: SECOND },
        Some(false) => RetryDecision::Retry { after: Duration::from_secs(1 << 30) },
        _ => RetryDecision::Accept,
    }
}

#[test]
fn a_hundred_calls_in_all_phases_end_in_time_or_are_told_of() {
    let (runtime, share) = (ManualRuntime::new(), Share::default());
    let server = Server {
        runtime: runtime.clone(),
        share: Arc::clone(&share),
        places: Arc::new(Semaphore::new(0)),
    };
    let client = over(server)
        .runtime(runtime.clone())
        .auth(Provider(runtime.clone(), Arc::clone(&share)))
        .retry(again)
        .no_timeout()
        .build()
        .unwrap();
    let held = Arc::strong_count(&share);
    let call = |client: HttpClient, path: String| async move {
        let outcome = async { client.get(&path).send().await?.text().await }.await;
        (path, outcome)
    };
    runtime.block_on(async {
        let paths = PHASES.iter().flat_map(|phase| {
            (0..20).map(move |number| {
                format!("/{phase}/{number}/{}", if number % 2 == 0 { "ends" } else { "never" })
            })
        });
        let calls = join_all(paths.map(|path| call(client.clone(), path)));
        let closing = async {
            // All of them have begun, and nothing moves on before a second is over.
            runtime.sleep(SECOND / 2).await;
            client.close_within(5 * SECOND).await
        };
        let (outcomes, report) = tokio::join!(calls, closing);

        assert_eq!(outcomes.len(), 100);
        for (path, outcome) in &outcomes {
            match outcome {
                Ok(_) => assert!(path.ends_with("/ends"), "{path}"),
                Err(Error::Closed) => assert!(path.ends_with("/never"), "{path}"),
                Err(error) => panic!("{path}: {error:?}"),
            }
        }
        assert_eq!((report.finished(), report.dropped().len()), (50, 50));
        assert_eq!(report.elapsed(), 5 * SECOND);
        for phase in PHASES {
            let of = report.dropped().iter().filter(|call| call.url().contains(phase));
            let has_response = of.clone().filter(|call| call.has_response()).count();
            assert_eq!((of.count(), has_response), (10, if phase == "body" { 10 } else { 0 }));
        }
        assert!(report.dropped().iter().all(|call| call.age() == 5 * SECOND + SECOND / 2));
    });
    assert_eq!(Arc::strong_count(&share), held, "nothing of them is left");
}
