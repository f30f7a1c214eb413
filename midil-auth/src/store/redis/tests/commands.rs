//! What Redis is asked, and what its answers come to.

use super::*;

/// What `ask` comes to when the server's answer is `says`, and what the server was sent, in one line.
async fn exchange<T>(
    says: &str,
    ask: impl AsyncFnOnce(RedisTokenStore) -> Result<T, BoxError>,
) -> (T, String) {
    let (url, listener) = server().await;
    let store = RedisTokenStore::try_new(&url).unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = answer(&mut stream, says).await;
        (stream, asked)
    };
    let (outcome, (_open, asked)) = futures_util::join!(ask(store), serve);
    (outcome.unwrap(), asked.replace("\r\n", " "))
}

#[tokio::test]
async fn a_token_comes_with_what_is_left_of_it() {
    let load = async |store: RedisTokenStore| store.load("name").await;
    let (found, asked) = exchange("*2\r\n$6\r\nsealed\r\n:1500\r\n", load).await;
    let found = found.unwrap();
    assert_eq!((found.sealed(), found.remaining()), (&b"sealed"[..], Duration::from_millis(1500)));
    assert!(asked.contains("EVAL") && asked.ends_with("$1 1 $16 midil:token:name "), "{asked}");
    // Somebody else's: it never expires.
    let (found, _) = exchange("*2\r\n$6\r\nsealed\r\n:-1\r\n", load).await;
    assert!(found.is_none());
}

#[tokio::test]
async fn a_token_is_kept_for_its_lifetime_and_not_for_none() {
    for (lifetime, told) in [(Duration::from_secs(60), "$5 60000"), (Duration::ZERO, "$1 1")] {
        let save = async |store: RedisTokenStore| store.save("name", b"sealed", lifetime).await;
        let ((), asked) = exchange("+OK\r\n", save).await;
        let wanted = format!("$3 SET $16 midil:token:name $6 sealed $2 PX {told} ");
        assert!(asked.ends_with(&wanted), "{asked}");
    }
}

#[tokio::test]
async fn a_lock_is_had_when_redis_says_so() {
    for (says, has) in [(":1\r\n", true), (":0\r\n", false)] {
        let lease = Duration::from_secs(5);
        let acquire = async |store: RedisTokenStore| store.acquire("name", "me", lease).await;
        let (had, asked) = exchange(says, acquire).await;
        assert_eq!(had, has);
        assert!(asked.ends_with("$1 1 $21 midil:token:name:lock $2 me $4 5000 "), "{asked}");
    }
}

#[tokio::test]
async fn a_lock_is_freed_after_the_pause() {
    let release =
        async |store: RedisTokenStore| store.release("name", "me", Duration::from_secs(1)).await;
    let ((), asked) = exchange(":0\r\n", release).await;
    assert!(asked.ends_with("$1 1 $21 midil:token:name:lock $2 me $4 1000 "), "{asked}");
}
