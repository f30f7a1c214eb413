use std::fmt::Debug;
use std::sync::atomic::AtomicU32;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::join_all;
use midil_http_core::{AuthErrorKind, BoxFuture};
use midil_http_test::ManualRuntime;
use tracing::Level;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;
use crate::store::MemoryTokenStore;

/// That of a cache, unless said otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

/// An authority that numbers its tokens.
#[derive(Clone)]
struct Authority {
    runtime: ManualRuntime,
    lifetime: Duration,
    takes: Duration,
    fails: bool,
    started: Arc<Mutex<Vec<Instant>>>,
    ends: Arc<Mutex<Vec<Instant>>>,
}

impl Authority {
    fn new(runtime: &ManualRuntime, lifetime: Duration) -> Self {
        Self {
            runtime: runtime.clone(),
            lifetime,
            takes: 200 * MS,
            fails: false,
            started: Arc::default(),
            ends: Arc::default(),
        }
    }

    fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    fn failing(self) -> Self {
        Self { fails: true, ..self }
    }

    fn fetches(&self) -> usize {
        self.started.lock().unwrap().len()
    }

    /// Whether that token is still good.
    fn accepts(&self, token: &AuthNToken) -> bool {
        let number: usize = token.access_token().expose().parse().unwrap();
        self.runtime.now() < self.ends.lock().unwrap()[number]
    }

    /// The source of a host whose clock is what `clock` says.
    fn source(&self, clock: impl Runtime) -> Arc<dyn AuthNProvider> {
        let (this, clock) = (self.clone(), Arc::new(clock));
        Arc::new(move || {
            let (this, clock) = (this.clone(), Arc::clone(&clock));
            async move {
                this.started.lock().unwrap().push(this.runtime.now());
                let issued_at = clock.system_time();
                let end = this.runtime.now() + this.lifetime;
                this.runtime.sleep(this.takes).await;
                if this.fails {
                    return Err(AuthError::new(AuthErrorKind::Unavailable, "down"));
                }
                let mut ends = this.ends.lock().unwrap();
                ends.push(end);
                Ok(AuthNToken::new((ends.len() - 1).to_string())
                    .with_expires_in(this.lifetime)
                    .with_issued_at(issued_at))
            }
        })
    }
}

/// A host whose wall clock is wrong.
#[derive(Clone)]
struct Ahead(ManualRuntime, Duration);

impl Runtime for Ahead {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn system_time(&self) -> SystemTime {
        self.0.system_time() + self.1
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
}

type Tamper = fn(&mut Vec<u8>);

#[derive(Clone, Copy)]
enum Fault {
    None,
    Hangs,
    Fails,
    /// Takes no tokens, gives locks.
    FailsToSave,
    /// Answers each question, but in that time.
    Slow(Duration),
    Tampers(Tamper),
    /// Says that much is left.
    Lies(Duration),
    /// Has nothing at the first look.
    Misses,
}

/// A store that misbehaves.
#[derive(Clone)]
struct OddStore {
    inner: MemoryTokenStore,
    runtime: ManualRuntime,
    fault: Arc<Mutex<Fault>>,
}

impl OddStore {
    fn new(runtime: &ManualRuntime, fault: Fault) -> Self {
        Self {
            inner: MemoryTokenStore::with_runtime(runtime.clone()),
            runtime: runtime.clone(),
            fault: Arc::new(Mutex::new(fault)),
        }
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    async fn misbehave(&self) -> Result<Fault, BoxError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Hangs => pending().await,
            Fault::Fails => Err("no route to the store".into()),
            Fault::Slow(time) => {
                self.runtime.sleep(time).await;
                Ok(fault)
            }
            _ => Ok(fault),
        }
    }
}

#[async_trait]
impl TokenStore for OddStore {
    async fn load(&self, name: &str) -> Result<Option<StoredToken>, BoxError> {
        let fault = self.misbehave().await?;
        if matches!(fault, Fault::Misses) {
            self.set(Fault::None);
            return Ok(None);
        }
        let Some(stored) = self.inner.load(name).await? else { return Ok(None) };
        let (mut sealed, mut remaining) = (stored.sealed().to_vec(), stored.remaining());
        match fault {
            Fault::Tampers(tamper) => tamper(&mut sealed),
            Fault::Lies(lie) => remaining = lie,
            _ => {}
        }
        Ok(Some(StoredToken::new(sealed, remaining)))
    }

    async fn save(&self, name: &str, sealed: &[u8], lifetime: Duration) -> Result<(), BoxError> {
        if matches!(self.misbehave().await?, Fault::FailsToSave) {
            return Err("OOM".into());
        }
        self.inner.save(name, sealed, lifetime).await
    }

    async fn acquire(&self, name: &str, owner: &str, lease: Duration) -> Result<bool, BoxError> {
        self.misbehave().await?;
        self.inner.acquire(name, owner, lease).await
    }

    async fn release(&self, name: &str, owner: &str, pause: Duration) -> Result<(), BoxError> {
        self.misbehave().await?;
        self.inner.release(name, owner, pause).await
    }
}

/// A source that takes as long as it takes.
struct Untimed<S>(S);

#[async_trait]
impl<S: AuthNProvider> AuthNProvider for Untimed<S> {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.0.get_token().await
    }
}

#[async_trait]
impl<S: AuthNProvider> TimedSource for Untimed<S> {
    async fn get_token_by(&self, _: Option<Instant>) -> Result<AuthNToken, AuthError> {
        self.0.get_token().await
    }
}

fn host(source: Arc<dyn AuthNProvider>, store: &OddStore, clock: impl Runtime) -> SharedTokens {
    host_with_secret(source, store, clock, "hunter2")
}

fn host_with_secret(
    source: Arc<dyn AuthNProvider>,
    store: &OddStore,
    clock: impl Runtime,
    secret: &str,
) -> SharedTokens {
    let credential = "https://auth.example/token client-7 read".to_owned();
    let (source, store) = (Arc::new(Untimed(source)), Arc::new(store.clone()));
    SharedTokens::new(source, store, credential, secret.into(), Arc::new(clock), TIMEOUT)
}

fn name() -> String {
    Seal::new(&"hunter2".into(), "https://auth.example/token client-7 read").name().to_owned()
}

/// How often our target spoke at that level.
#[derive(Clone, Default)]
struct Said {
    warnings: Arc<AtomicU32>,
    infos: Arc<AtomicU32>,
    text: Arc<Mutex<String>>,
}

impl Said {
    fn during<T>(&self, run: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(self.clone()), run)
    }

    fn counts(&self) -> (u32, u32) {
        (self.warnings.load(Ordering::Relaxed), self.infos.load(Ordering::Relaxed))
    }
}

impl<S: tracing::Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "midil_auth::store" {
            return;
        }
        match *event.metadata().level() {
            Level::WARN => self.warnings.fetch_add(1, Ordering::Relaxed),
            Level::INFO => self.infos.fetch_add(1, Ordering::Relaxed),
            level => panic!("said something at {level}"),
        };
        let mut text = self.text.lock().unwrap();
        event.record(&mut |field: &tracing::field::Field, value: &dyn Debug| {
            text.push_str(&format!("{field}={value:?} "));
        });
    }
}

fn text(token: &AuthNToken) -> &str {
    token.access_token().expose()
}

#[test]
fn the_second_host_takes_what_the_first_fetched() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let [one, two] =
        [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
    runtime.block_on(async {
        let first = one.get_token().await.unwrap();
        runtime.advance(600 * Duration::from_secs(1));
        let second = two.get_token().await.unwrap();
        assert_eq!(text(&first), text(&second));
        assert_eq!(first.expires_at(), second.expires_at());
        assert_eq!(second.expires_in(), Some(HOUR));
        assert_eq!(second.token_type(), "Bearer");
    });
    assert_eq!(authority.fetches(), 1);
}

/// It starts while the authority is down, and lives on what the fleet has.
#[test]
fn a_host_without_a_token_takes_an_ageing_one_and_asks_for_a_newer_one_next() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let one = host(authority.source(runtime.clone()), &store, runtime.clone());
    let two = host(authority.clone().failing().source(runtime.clone()), &store, runtime.clone());
    runtime.block_on(async {
        let first = one.get_token().await.unwrap();
        runtime.advance(HOUR * 9 / 10);
        let second = two.get_token().await.unwrap();
        assert_eq!((text(&second), second.expires_at()), (text(&first), first.expires_at()));
        assert_eq!(authority.fetches(), 1);
        // Now it has this one: it is to renew it.
        assert_eq!(two.get_token().await.unwrap_err().kind(), AuthErrorKind::Unavailable);
        runtime.advance(2 * PAUSE);
        assert_eq!(text(&one.get_token().await.unwrap()), "1");
        assert_eq!(text(&two.get_token().await.unwrap()), "1");
    });
}

#[test]
fn of_a_cold_fleet_one_fetches_and_the_others_wait_a_moment() {
    // With a store that takes its time, one may save between another's first look and its lock.
    for (fault, most) in [(Fault::None, 350 * MS), (Fault::Slow(9 * MS), 450 * MS)] {
        let runtime = ManualRuntime::new();
        let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, fault));
        let hosts: Vec<_> = (0..100)
            .map(|_| host(authority.source(runtime.clone()), &store, runtime.clone()))
            .collect();
        let tokens = runtime.block_on(join_all(hosts.iter().map(|host| host.get_token())));
        assert!(tokens.iter().all(|token| text(token.as_ref().unwrap()) == "0"));
        assert_eq!(authority.fetches(), 1);
        assert!(runtime.elapsed() <= most, "{:?}", runtime.elapsed());
    }
}

#[test]
fn what_was_saved_between_the_first_look_and_the_lock_is_taken() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let [one, two] =
        [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
    runtime.block_on(one.get_token()).unwrap();
    store.set(Fault::Misses);
    assert_eq!(text(&runtime.block_on(two.get_token()).unwrap()), "0");
    assert_eq!(authority.fetches(), 1);
}

#[test]
fn a_host_that_is_asked_twice_at_once_fetches_once() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let host = host(authority.source(runtime.clone()), &store, runtime.clone());
    runtime.block_on(join_all([host.get_token(), host.get_token()]));
    assert_eq!(authority.fetches(), 1);
}

#[test]
fn a_hundred_hosts_for_ten_minutes_fetch_as_one() {
    let runtime = ManualRuntime::new();
    let (authority, store) =
        (Authority::new(&runtime, MINUTE), OddStore::new(&runtime, Fault::None));
    let random = Random::seeded(7);
    let hosts: Vec<_> = (0..100)
        .map(|_| host(authority.source(runtime.clone()), &store, runtime.clone()))
        .collect();
    let calls = AtomicU32::new(0);
    runtime.block_on(join_all(hosts.iter().map(async |host| {
        while runtime.elapsed() < 10 * MINUTE {
            let token = host.get_token().await.unwrap();
            assert!(authority.accepts(&token));
            calls.fetch_add(1, Ordering::Relaxed);
            let age = runtime.system_time().duration_since(token.issued_at().unwrap()).unwrap();
            let refresh = MINUTE.mul_f64(0.70 + 0.10 * random.next());
            runtime.sleep(refresh.saturating_sub(age)).await;
        }
    })));
    let calls = calls.into_inner();
    println!("{calls} calls, {} fetches", authority.fetches());
    assert!(authority.fetches() <= 16, "{} fetches for {calls} calls", authority.fetches());
    assert!(calls >= 1300, "{calls}");
}

#[test]
fn a_store_that_hangs_delays_by_a_tenth_of_a_second_and_is_told_of_once() {
    let (runtime, said) = (ManualRuntime::new(), Said::default());
    let authority = Authority::new(&runtime, MINUTE).taking(Duration::ZERO);
    let store = OddStore::new(&runtime, Fault::Hangs);
    let host = host(authority.source(runtime.clone()), &store, runtime.clone());
    said.during(|| {
        for fetches in 1..=100 {
            let before = runtime.elapsed();
            runtime.block_on(host.get_token()).unwrap();
            assert_eq!(runtime.elapsed() - before, 100 * MS);
            assert_eq!(authority.fetches(), fetches);
        }
        assert_eq!(said.counts(), (1, 0));

        store.set(Fault::None);
        runtime.block_on(host.get_token()).unwrap();
        runtime.block_on(host.get_token()).unwrap();
        assert_eq!(authority.fetches(), 101);
        assert_eq!(said.counts(), (1, 1));
    });
    assert!(!said.text.lock().unwrap().contains("hunter2"));
}

#[test]
fn all_that_a_slow_store_is_asked_before_a_fetch_shares_a_tenth_of_a_second() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(&runtime, MINUTE).taking(Duration::ZERO);
    // Each answer is in time, all three are not.
    let store = OddStore::new(&runtime, Fault::Slow(40 * MS));
    let slow = host(authority.source(runtime.clone()), &store, runtime.clone());
    runtime.block_on(slow.get_token()).unwrap();
    assert_eq!(runtime.elapsed(), PATIENCE);

    // The lock that it got in vain is free again.
    store.set(Fault::None);
    runtime.block_on(runtime.sleep(LEASE - 1000 * MS));
    let before = runtime.elapsed();
    let other = host(authority.source(runtime.clone()), &store, runtime.clone());
    runtime.block_on(other.get_token()).unwrap();
    assert_eq!(runtime.elapsed(), before);
}

#[test]
fn a_store_that_fails_costs_no_time_and_is_told_of_once() {
    for fault in [Fault::Fails, Fault::FailsToSave] {
        let (runtime, said) = (ManualRuntime::new(), Said::default());
        let authority = Authority::new(&runtime, MINUTE).taking(Duration::ZERO);
        let store = OddStore::new(&runtime, fault);
        let host = host(authority.source(runtime.clone()), &store, runtime.clone());
        said.during(|| {
            for _ in 0..100 {
                runtime.block_on(host.get_token()).unwrap();
                // Lets the lock be freed.
                runtime.block_on(runtime.sleep(MS));
            }
        });
        assert_eq!(authority.fetches(), 100);
        assert_eq!(said.counts(), (1, 0));
        assert_eq!(runtime.elapsed(), 100 * MS);
    }
}

#[test]
fn what_is_not_ours_counts_as_absent_and_is_told_of_once() {
    let tampers: [(&str, Tamper); 6] = [
        ("forged", |sealed| *sealed.last_mut().unwrap() ^= 1),
        ("another nonce", |sealed| sealed[1] ^= 1),
        ("another version", |sealed| sealed[0] = 2),
        ("truncated", |sealed| sealed.truncate(sealed.len() - 1)),
        ("cut to the version", |sealed| sealed.truncate(1)),
        ("empty", Vec::clear),
    ];
    for (what, tamper) in tampers {
        let (runtime, said) = (ManualRuntime::new(), Said::default());
        let authority = Authority::new(&runtime, HOUR);
        let store = OddStore::new(&runtime, Fault::Tampers(tamper));
        let [one, two] =
            [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
        said.during(|| {
            runtime.block_on(one.get_token()).unwrap();
            for _ in 0..10 {
                runtime.block_on(two.get_token()).unwrap();
            }
        });
        assert_eq!(authority.fetches(), 11, "{what}");
        assert_eq!(said.counts(), (1, 0), "{what}");

        store.set(Fault::None);
        runtime.block_on(two.get_token()).unwrap();
        assert_eq!(authority.fetches(), 11, "{what}");
    }
}

#[test]
fn neither_another_secret_nor_a_swapped_token_opens() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let source = || authority.source(runtime.clone());
    let ours = host(source(), &store, runtime.clone());
    let theirs = host_with_secret(source(), &store, runtime.clone(), "hunter3");
    runtime.block_on(async {
        ours.get_token().await.unwrap();
        theirs.get_token().await.unwrap();
        assert_eq!(authority.fetches(), 2);

        // The store puts theirs where ours was.
        let their_name = Seal::new(&"hunter3".into(), &theirs.credential).name().to_owned();
        let swapped = store.inner.load(&their_name).await.unwrap().unwrap();
        store.inner.save(&name(), swapped.sealed(), HOUR).await.unwrap();
        assert_eq!(text(&ours.get_token().await.unwrap()), "2");
    });
}

#[test]
fn hosts_whose_clocks_disagree_share_long_tokens_and_never_use_an_expired_one() {
    let ten_minutes = 10 * MINUTE;
    for lifetime in [HOUR, MINUTE] {
        let runtime = ManualRuntime::new();
        // Ten minutes ahead of the other is ten minutes behind for the other.
        let (authority, store) =
            (Authority::new(&runtime, lifetime), OddStore::new(&runtime, Fault::None));
        let clocks = [Duration::ZERO, ten_minutes].map(|ahead| Ahead(runtime.clone(), ahead));
        let hosts =
            clocks.clone().map(|clock| host(authority.source(clock.clone()), &store, clock));
        for round in 0..40_usize {
            let index = round % 2;
            let token = runtime.block_on(hosts[index].get_token()).unwrap();
            assert!(authority.accepts(&token), "round {round}");
            // What is left by that host's clock is what is left, or less.
            let left = token.expires_at().unwrap().duration_since(clocks[index].system_time());
            runtime.advance(left.unwrap_or_default() / 10);
            assert!(authority.accepts(&token), "round {round}");
        }
        println!("{lifetime:?}: {} fetches for 40 calls", authority.fetches());
        let most = if lifetime == HOUR { 7 } else { 40 };
        assert!(authority.fetches() <= most, "{} fetches", authority.fetches());
    }
}

#[test]
fn a_store_that_lies_about_what_remains_is_believed_no_more_than_a_clock() {
    let runtime = ManualRuntime::new();
    let (authority, store) =
        (Authority::new(&runtime, 20 * MINUTE), OddStore::new(&runtime, Fault::None));
    let host = host(authority.source(runtime.clone()), &store, runtime.clone());
    runtime.block_on(host.get_token()).unwrap();
    let old = runtime.block_on(store.inner.load(&name())).unwrap().unwrap();

    // It keeps the token, and says that it is new.
    let replay = |lie| {
        store.set(Fault::Lies(lie));
        runtime.block_on(store.inner.save(&name(), old.sealed(), HOUR)).unwrap();
        runtime.block_on(host.get_token()).unwrap()
    };
    let token = replay(HOUR);
    assert_eq!(token.expires_in(), Some(20 * MINUTE), "no longer than it was sealed for");
    runtime.advance(10 * MINUTE);
    let token = replay(HOUR);
    assert_eq!(text(&token), "0");
    let left = token.expires_at().unwrap().duration_since(runtime.system_time()).unwrap();
    assert!(left <= 15 * MINUTE, "{left:?}");

    store.set(Fault::Lies(Duration::ZERO));
    runtime.block_on(store.inner.save(&name(), old.sealed(), HOUR)).unwrap();
    let newcomer = self::host(authority.source(runtime.clone()), &store, runtime.clone());
    let token = runtime.block_on(newcomer.get_token()).unwrap();
    assert_eq!(text(&token), "1", "by the store's word it is over");

    runtime.advance(15 * MINUTE);
    assert_eq!(text(&replay(HOUR)), "2", "over, and the five minutes, too");
}

#[test]
fn a_refresher_that_crashed_delays_the_others_by_its_lease() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let hosts: Vec<_> =
        (0..20).map(|_| host(authority.source(runtime.clone()), &store, runtime.clone())).collect();
    assert!(runtime.block_on(store.inner.acquire(&name(), "crashed", LEASE)).unwrap());
    runtime.block_on(join_all(hosts.iter().map(|host| host.get_token())));
    assert_eq!(authority.fetches(), 1);
    let started = authority.started.lock().unwrap()[0] - (runtime.now() - runtime.elapsed());
    assert!((LEASE..=LEASE + 150 * MS).contains(&started), "{started:?}");
    assert!(runtime.elapsed() <= LEASE + 500 * MS, "{:?}", runtime.elapsed());
}

#[test]
fn a_refresher_that_crashed_is_no_outage_where_a_fetch_may_take_less_than_its_lease() {
    for timeout in [100, 500, 1_000, 2_000, 5_000, 9_999] {
        let timeout = timeout * MS;
        let runtime = ManualRuntime::new();
        let authority = Authority::new(&runtime, HOUR).taking(timeout / 10);
        let store = OddStore::new(&runtime, Fault::None);
        let hosts = [(); 3].map(|()| SharedTokens {
            fetch_timeout: timeout,
            ..host(authority.source(runtime.clone()), &store, runtime.clone())
        });
        assert!(runtime.block_on(store.inner.acquire(&name(), "crashed", LEASE)).unwrap());
        for token in runtime.block_on(join_all(hosts.iter().map(|host| host.get_token()))) {
            token.unwrap();
        }
        assert!(runtime.elapsed() <= timeout * 7 / 10, "{:?} of {timeout:?}", runtime.elapsed());
        assert!(runtime.elapsed() >= timeout * 4 / 10, "{:?} of {timeout:?}", runtime.elapsed());
        // The fleet has it, though nobody had the lock.
        let fetches = authority.fetches();
        let late = host(authority.source(runtime.clone()), &store, runtime.clone());
        runtime.block_on(late.get_token()).unwrap();
        assert_eq!(authority.fetches(), fetches);
    }
}

/// Notes how long it was given.
struct Given(ManualRuntime, Mutex<Vec<Duration>>);

#[async_trait]
impl AuthNProvider for Given {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.get_token_by(None).await
    }
}

#[async_trait]
impl TimedSource for Given {
    async fn get_token_by(&self, deadline: Option<Instant>) -> Result<AuthNToken, AuthError> {
        self.1.lock().unwrap().push(deadline.unwrap() - self.0.now());
        Ok(AuthNToken::new("t").with_expires_in(Duration::ZERO))
    }
}

#[test]
fn the_source_has_what_is_left_of_the_time() {
    let runtime = ManualRuntime::new();
    let store = OddStore::new(&runtime, Fault::None);
    let source = Arc::new(Given(runtime.clone(), Mutex::default()));
    let shared = || SharedTokens {
        source: Arc::<Given>::clone(&source),
        ..host(Authority::new(&runtime, HOUR).source(runtime.clone()), &store, runtime.clone())
    };
    // Saving what it gives takes its time, too.
    runtime.block_on(shared().get_token()).unwrap();
    store.set(Fault::Hangs);
    runtime.block_on(shared().get_token()).unwrap();
    store.set(Fault::None);
    runtime.block_on(runtime.sleep(MINUTE));
    assert!(runtime.block_on(store.inner.acquire(&name(), "crashed", LEASE)).unwrap());
    runtime.block_on(shared().get_token()).unwrap();
    let given = source.1.lock().unwrap();
    assert_eq!(given[..2], [TIMEOUT - PATIENCE, TIMEOUT - 2 * PATIENCE]);
    let after_lease = TIMEOUT - PATIENCE - LEASE;
    assert!((after_lease - 150 * MS..=after_lease).contains(&given[2]), "{given:?}");
}

#[test]
fn a_fetch_that_is_longer_than_the_lease_keeps_its_lock() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(&runtime, HOUR).taking(Duration::from_secs(7));
    let store = OddStore::new(&runtime, Fault::None);
    let [one, two] =
        [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
    let (one, two) =
        runtime.block_on(async { futures_util::join!(one.get_token(), two.get_token()) });
    assert_eq!((text(&one.unwrap()), text(&two.unwrap())), ("0", "0"));
    assert_eq!(authority.fetches(), 1);
}

#[test]
fn a_fetch_that_is_dropped_frees_its_lock() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(&runtime, HOUR);
    let store = OddStore::new(&runtime, Fault::None);
    let [one, two] =
        [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
    runtime.block_on(async {
        let mut fetch = one.get_token();
        assert!((&mut fetch).now_or_never().is_none());
        assert_eq!(authority.fetches(), 1);
        drop(fetch);
        two.get_token().await.unwrap();
    });
    assert_eq!(authority.fetches(), 2);
    assert!(runtime.elapsed() <= PAUSE + 350 * MS, "{:?}", runtime.elapsed());
    runtime.block_on(runtime.sleep(MS));
    assert_eq!(runtime.tasks(), 0);
}

#[test]
fn a_runtime_that_ends_in_the_midst_of_it_does_so_quietly() {
    // Tokio catches what panics, and other tests may panic meanwhile.
    let (panics, here) = (Arc::new(AtomicU32::new(0)), std::thread::current().id());
    let counter = Arc::clone(&panics);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == here {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        before(info);
    }));
    let (asked, was_asked) = futures_channel::oneshot::channel();
    let asked = Mutex::new(Some(asked));
    let source = move || {
        let _ = asked.lock().unwrap().take().map(|asked| asked.send(()));
        pending::<Result<AuthNToken, AuthError>>()
    };
    let runtime = Arc::new(midil_http_core::DefaultRuntime::new());
    let store = Arc::new(MemoryTokenStore::new());
    let (source, id, secret) = (Arc::new(Untimed(source)), "id".into(), "hunter2".into());
    let shared = SharedTokens::new(source, store, id, secret, runtime, TIMEOUT);
    tokio.spawn(async move { shared.get_token().await });
    tokio.block_on(was_asked).unwrap();
    drop(tokio);
    let _ = std::panic::take_hook();
    assert_eq!(panics.load(Ordering::Relaxed), 0);
}

#[test]
fn the_very_token_that_was_rejected_is_not_taken_again() {
    let runtime = ManualRuntime::new();
    let (authority, store) = (Authority::new(&runtime, HOUR), OddStore::new(&runtime, Fault::None));
    let [one, two] =
        [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
    runtime.block_on(async {
        let rejected = AuthNHeaders::from_token(&one.get_token().await.unwrap()).unwrap();
        two.get_token().await.unwrap();

        one.invalidate(&rejected.clone().with_generation(9));
        assert_eq!(text(&one.get_token().await.unwrap()), "1");
        two.invalidate(&rejected);
        assert_eq!(text(&two.get_token().await.unwrap()), "1", "the other host's new one");

        // A late complaint about the old one.
        one.invalidate(&rejected);
        let newer = one.get_token().await.unwrap();
        assert_eq!(text(&newer), "1");

        // The same once more, after the newer one was rejected, too.
        one.invalidate(&AuthNHeaders::from_token(&newer).unwrap());
        one.invalidate(&rejected);
        assert_eq!(text(&one.get_token().await.unwrap()), "2");
    });
    assert_eq!(authority.fetches(), 3);
}

#[test]
fn an_authority_that_fails_is_asked_about_once_a_second_by_the_whole_fleet() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(&runtime, HOUR).taking(10 * MS).failing();
    let store = OddStore::new(&runtime, Fault::None);
    let hosts: Vec<_> =
        (0..50).map(|_| host(authority.source(runtime.clone()), &store, runtime.clone())).collect();
    runtime.block_on(join_all(hosts.iter().map(async |host| {
        while runtime.elapsed() < MINUTE {
            // As the cache does.
            let timeout = runtime.sleep(Duration::from_secs(10));
            if let Either::Left((outcome, _)) = select(host.get_token(), timeout).await {
                assert_eq!(outcome.unwrap_err().kind(), AuthErrorKind::Unavailable);
            }
        }
    })));
    assert!((50..=70).contains(&authority.fetches()), "{}", authority.fetches());
    let started = authority.started.lock().unwrap();
    assert!(started.windows(2).all(|two| two[1] - two[0] >= PAUSE), "closer than the pause");
}

#[test]
fn tokens_for_one_call_are_neither_kept_nor_waited_for() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(&runtime, Duration::ZERO);
    let store = OddStore::new(&runtime, Fault::None);
    let host = host(authority.source(runtime.clone()), &store, runtime.clone());
    runtime.block_on(async {
        host.get_token().await.unwrap();
        let before = runtime.elapsed();
        join_all((0..10).map(|_| host.get_token())).await;
        assert_eq!(runtime.elapsed() - before, authority.takes);
        assert!(store.inner.load(&name()).await.unwrap().is_none());
    });
    assert_eq!(authority.fetches(), 11);
}

#[test]
fn lifetimes_of_any_length_are_shared() {
    for lifetime in [None, Some(Duration::MAX), Some(MS)] {
        let runtime = ManualRuntime::new();
        let store = OddStore::new(&runtime, Fault::None);
        let source = move || async move {
            let token = AuthNToken::new("abc").with_token_type("DPoP");
            Ok(match lifetime {
                Some(lifetime) => token.with_expires_in(lifetime),
                None => token,
            })
        };
        let [one, two] = [(); 2].map(|()| host(Arc::new(source), &store, runtime.clone()));
        runtime.block_on(one.get_token()).unwrap();
        let token = runtime.block_on(two.get_token()).unwrap();
        assert_eq!(token.token_type(), "DPoP");
        let expected = lifetime.unwrap_or(UNKNOWN_LIFETIME).min(MAX_LIFETIME);
        assert_eq!(token.expires_in(), Some(expected));
    }
}

#[test]
fn without_its_secret_it_is_the_source_that_says_so() {
    let runtime = ManualRuntime::new();
    let store = OddStore::new(&runtime, Fault::None);
    let authority = Authority::new(&runtime, HOUR).failing();
    let shared = SharedTokens::new(
        Arc::new(Untimed(authority.source(runtime.clone()))),
        Arc::new(store),
        "credential".into(),
        SecretSource::file("/no/such/file"),
        Arc::new(runtime.clone()),
        TIMEOUT,
    );
    assert_eq!(runtime.block_on(shared.get_token()).unwrap_err().to_string(), "down");
}

/// One host that cannot reach the authority, and tries for as long as it may.
#[test]
fn a_host_that_is_stuck_does_not_keep_the_others_from_the_authority() {
    let runtime = ManualRuntime::new();
    let store = OddStore::new(&runtime, Fault::None);
    let never = || pending::<Result<AuthNToken, AuthError>>();
    let stuck = host(Arc::new(never), &store, runtime.clone());
    let authority = Authority::new(&runtime, HOUR);
    let healthy = host(authority.source(runtime.clone()), &store, runtime.clone());
    let cache =
        |source| crate::TokenCache::builder(source).runtime(runtime.clone()).build().unwrap();
    let (stuck, healthy) = (cache(stuck), cache(healthy));
    let (_, got) =
        runtime.block_on(async { futures_util::join!(stuck.warm_up(), healthy.warm_up()) });
    got.unwrap();
}

#[test]
fn a_store_prolongs_a_short_token_by_its_lifetime_at_most() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(&runtime, MINUTE);
    let store = OddStore::new(&runtime, Fault::None);
    let [one, two] =
        [(); 2].map(|()| host(authority.source(runtime.clone()), &store, runtime.clone()));
    runtime.block_on(one.get_token()).unwrap();
    let kept = runtime.block_on(store.inner.load(&name())).unwrap().unwrap();
    runtime.advance(2 * MINUTE);
    runtime.block_on(store.inner.save(&name(), kept.sealed(), HOUR)).unwrap();
    let got = runtime.block_on(two.get_token()).unwrap();
    assert!(authority.accepts(&got), "a token of a minute is used two minutes after it was issued");
}
