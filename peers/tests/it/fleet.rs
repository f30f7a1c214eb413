//! A fleet that shares one token through a real Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use midil_http::{
    BoxError, ClientCredentials, HttpClient, RedisTokenStore, Runtime, StoredToken, TokenStore,
    async_trait,
};
use midil_http_peers::RedisServer;
use midil_http_test::{ManualRuntime, MockTransport, Reply};

const SECOND: Duration = Duration::from_secs(1);
const LIFETIME: u64 = 60;
const HOSTS: usize = 100;

/// A token endpoint and an API. It tells how many tokens it gave.
fn authority() -> (MockTransport, Arc<AtomicUsize>) {
    let issued = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&issued);
    let mock = MockTransport::always(Reply::ok());
    mock.on(http::Method::POST, "/token").reply_always(Reply::from_fn(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let token = serde_json::json!({
            "access_token": format!("t{number}"),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
        });
        Ok(http::Response::new(token.to_string().into()))
    }));
    (mock, issued)
}

/// A store whose tokens live by the clock of the test. They stay in Redis for longer, which nobody notices.
struct OnTestTime {
    redis: RedisTokenStore,
    runtime: ManualRuntime,
    epoch: Instant,
    asking: Asking,
}

/// How many questions Redis has not answered yet. The clock of the test stands still meanwhile: the machine may be slow.
#[derive(Clone, Default)]
struct Asking(Arc<AtomicUsize>);

impl Asking {
    async fn during<T>(&self, question: impl Future<Output = T>) -> T {
        struct Asked<'a>(&'a AtomicUsize);
        impl Drop for Asked<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        let _asked = Asked(&self.0);
        question.await
    }

    fn nobody(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

#[async_trait]
impl TokenStore for OnTestTime {
    async fn load(&self, name: &str) -> Result<Option<StoredToken>, BoxError> {
        let Some(stored) = self.asking.during(self.redis.load(name)).await? else {
            return Ok(None);
        };
        let (sealed, end) = stored.sealed().split_last_chunk().ok_or("it is too short")?;
        let end = self.epoch + Duration::from_millis(u64::from_be_bytes(*end));
        let remaining = end.saturating_duration_since(self.runtime.now());
        Ok((!remaining.is_zero()).then(|| StoredToken::new(sealed.to_vec(), remaining)))
    }

    async fn save(&self, name: &str, sealed: &[u8], lifetime: Duration) -> Result<(), BoxError> {
        let end = self.runtime.now() + lifetime - self.epoch;
        let end = u64::try_from(end.as_millis())?.to_be_bytes();
        let stamped = [sealed, &end].concat();
        self.asking.during(self.redis.save(name, &stamped, 60 * lifetime)).await
    }

    async fn acquire(&self, name: &str, owner: &str, lease: Duration) -> Result<bool, BoxError> {
        self.asking.during(self.redis.acquire(name, owner, lease)).await
    }

    async fn release(&self, name: &str, owner: &str, pause: Duration) -> Result<(), BoxError> {
        self.asking.during(self.redis.release(name, owner, pause)).await
    }
}

/// Hosts, each with a client, a cache and a connection of its own.
struct Fleet {
    hosts: Vec<HttpClient>,
    runtime: ManualRuntime,
    issued: Arc<AtomicUsize>,
    asking: Asking,
}

impl Fleet {
    fn start(redis: &RedisServer) -> Self {
        let runtime = ManualRuntime::new();
        tokio::spawn(runtime.run_tasks());
        let epoch = runtime.now();
        let (mock, issued) = authority();
        let asking = Asking::default();
        let host = |_| {
            let redis = RedisTokenStore::try_new(&redis.url()).expect("a good URL");
            let credentials = ClientCredentials::builder(mock.clone())
                .token_url("https://login.test/token")
                .client_id("fleet")
                .client_secret("hunter2")
                .store(OnTestTime {
                    redis,
                    runtime: runtime.clone(),
                    epoch,
                    asking: asking.clone(),
                })
                .runtime(runtime.clone())
                .build()
                .expect("good credentials");
            HttpClient::builder(mock.clone())
                .base_url("https://api.test")
                .auth(credentials)
                .runtime(runtime.clone())
                .build()
                .expect("a good client")
        };
        let hosts = (0..HOSTS).map(host).collect();
        Self { hosts, runtime, issued, asking }
    }

    fn issued(&self) -> usize {
        self.issued.load(Ordering::Relaxed)
    }

    /// A call of each host every second, for so many seconds. None may be lost.
    async fn call_for(&self, seconds: u32) {
        let end = self.runtime.now() + seconds * SECOND;
        let host = async |host: &HttpClient| {
            while self.runtime.now() < end {
                let response = host.get("/").send().await.expect("no call is lost");
                assert_eq!(response.status(), 200);
                self.runtime.sleep(SECOND).await;
            }
        };
        let clock = async {
            loop {
                tokio::task::yield_now().await; // to everyone who has something to do
                if self.asking.nobody() {
                    self.runtime.advance(Duration::from_millis(10));
                }
            }
        };
        tokio::select! {
            biased;
            _ = join_all(self.hosts.iter().map(host)) => {}
            () = clock => {}
        }
    }
}

#[tokio::test]
async fn a_hundred_hosts_fetch_one_token_per_refresh() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis);
    fleet.call_for(600).await;
    assert!((11..=16).contains(&fleet.issued()), "{}", fleet.issued());
}

#[tokio::test]
async fn no_call_is_lost_when_redis_dies_and_one_is_enough_when_it_is_back() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::start(&redis);
    fleet.call_for(100).await;
    let before = fleet.issued();
    assert!((2..=4).contains(&before), "{before}");
    redis.kill();
    fleet.call_for(100).await;
    let alone = fleet.issued() - before;
    assert!((HOSTS..=4 * HOSTS).contains(&alone), "each host for itself: {alone}");
    redis.restart();
    fleet.call_for(60).await; // each comes back to the store with its next token
    let before = fleet.issued();
    fleet.call_for(100).await;
    let together = fleet.issued() - before;
    assert!(together <= 4, "{together}");
}

/// On the clock of the machine: what a call waits for a Redis that does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_delays_a_call_by_a_tenth_of_a_second() {
    let redis = RedisServer::start();
    let (mock, issued) = authority();
    let credentials = |id: &str| {
        let store = RedisTokenStore::try_new(&redis.url()).expect("a good URL");
        ClientCredentials::builder(mock.clone())
            .token_url("https://login.test/token")
            .client_id(id)
            .client_secret("hunter2")
            .store(store)
            .build()
            .expect("good credentials")
    };
    redis.suspend();
    let began = Instant::now();
    credentials("cold").warm_up().await.expect("a token");
    let took = began.elapsed();
    // Once before the fetch. A tenth more for the rest, on a machine with other things to do.
    assert!(took >= Duration::from_millis(99), "{took:?}");
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(issued.load(Ordering::Relaxed), 1);
    redis.resume();
    let [one, other] = [(); 2].map(|()| credentials("warm"));
    one.warm_up().await.expect("a token");
    other.warm_up().await.expect("a token");
    assert_eq!(issued.load(Ordering::Relaxed), 2, "they share it");
}

/// What Redis holds of it.
#[tokio::test(flavor = "multi_thread")]
async fn redis_learns_nothing() {
    let redis = RedisServer::start();
    let (mock, _) = authority();
    let store = RedisTokenStore::try_new(&redis.url()).expect("a good URL");
    let credentials = ClientCredentials::builder(mock)
        .token_url("https://login.test/token")
        .client_id("fleet")
        .client_secret("hunter2")
        .store(store)
        .build()
        .expect("good credentials");
    credentials.warm_up().await.expect("a token");
    let all = redis.dump();
    assert!(all.contains("midil:token:"), "{all}");
    for secret in ["hunter2", "fleet", "login.test", "Bearer"] {
        assert!(!all.contains(secret), "{all}");
    }
}
