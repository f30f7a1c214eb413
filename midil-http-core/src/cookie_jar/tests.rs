//! What a jar takes, keeps and gives, rule by rule; and what of it the cookie crates do otherwise.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::BoxFuture;

/// A clock that is told what time it is.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Runtime for Clock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    fn spawn(&self, _: BoxFuture<'static, ()>) {}
}

const API: &str = "https://api.example.com/v1/users";

/// What a jar sends to `to` after `from` has set those lines.
fn sent(from: &str, lines: &[&str], to: &str) -> String {
    let jar = CookieJar::new();
    learn(&jar, from, lines);
    header(&jar, to)
}

fn learn(jar: &CookieJar, from: &str, lines: &[&str]) {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(header::SET_COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    jar.learn(&Url::parse(from).unwrap(), &headers);
}

fn header(jar: &CookieJar, to: &str) -> String {
    let value = jar.header(&Url::parse(to).unwrap(), None);
    value.map_or(String::new(), |value| {
        assert!(value.is_sensitive());
        String::from_utf8(value.as_bytes().to_vec()).unwrap()
    })
}

/// Why a cookie is refused.
fn refusal(from: &str, line: &str) -> String {
    let jar = CookieJar::new();
    let error = jar.add(from, line).expect_err(line);
    assert!(jar.is_empty());
    error.to_string()
}

#[test]
fn a_cookie_goes_to_its_host_alone() {
    for (to, expected) in [
        ("https://api.example.com/", "a=1"),
        ("https://api.example.com:8443/x?y", "a=1"),
        ("http://api.example.com/", "a=1"),
        ("https://example.com/", ""),
        ("https://v2.api.example.com/", ""),
        ("https://api.example.com.evil.test/", ""),
        ("https://api.example.com./", ""),
    ] {
        assert_eq!(sent(API, &["a=1; Path=/"], to), expected, "{to}");
    }
}

#[test]
fn with_a_domain_it_goes_to_all_below() {
    for domain in ["example.com", ".example.com", "EXAMPLE.com", " example.com "] {
        let line = format!("a=1; Path=/; Domain={domain}");
        for (to, expected) in [
            ("https://api.example.com/", "a=1"),
            ("https://example.com/", "a=1"),
            ("https://a.b.example.com/", "a=1"),
            ("https://notexample.com/", ""),
            ("https://example.com.evil.test/", ""),
            ("https://example.org/", ""),
        ] {
            assert_eq!(sent(API, &[&line], to), expected, "{domain}, {to}");
        }
    }
    // No value is none.
    for line in ["a=1; Path=/; Domain", "a=1; Path=/; Domain="] {
        assert_eq!(sent(API, &[line], "https://api.example.com/"), "a=1");
        assert_eq!(sent(API, &[line], "https://v2.api.example.com/"), "");
    }
}

#[test]
fn a_host_sets_none_for_others() {
    for domain in ["evil.test", "v2.api.example.com", "pi.example.com", "example.com.", "..", "%"] {
        let error = refusal(API, &format!("a=1; Domain={domain}"));
        assert!(error.contains("is for a domain that its server is not in"), "{domain}: {error}");
    }
}

#[test]
fn public_suffixes_are_refused() {
    for (from, domain) in [
        ("https://example.com/", "com"),
        ("https://example.co.uk/", "co.uk"),
        ("https://me.github.io/", "github.io"),
        ("https://a.corp.internal/", "internal"),
        ("https://example.com./", "com."),
        ("https://例.公司.cn/", "公司.cn"),
        ("https://a.b.kawasaki.jp/", "b.kawasaki.jp"),
    ] {
        let error = refusal(from, &format!("a=1; Domain={domain}"));
        assert!(error.contains("is for a public suffix"), "{domain}: {error}");
    }
    // A host that is one may set a cookie for itself.
    for host in ["github.io", "co.uk", "localhost", "internal"] {
        let line = format!("a=1; Domain={host}");
        let url = format!("http://{host}/");
        assert_eq!(sent(&url, &[&line], &url), "a=1", "{host}");
        assert_eq!(sent(&url, &[&line], &format!("http://me.{host}/")), "", "{host}");
    }
    // Below one it is somebody's.
    let line = "a=1; Domain=example.co.uk";
    assert_eq!(sent("https://a.example.co.uk/", &[line], "https://b.example.co.uk/"), "a=1");
    let line = "a=1; Domain=corp.internal";
    assert_eq!(sent("https://a.corp.internal/", &[line], "https://b.corp.internal/"), "a=1");
}

#[test]
fn an_address_has_its_own_alone() {
    for (host, domain, taken) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "0.0.1", false),
        ("10.0.0.1", "1", false),
        ("[::1]", "[::1]", true),
        ("[::1]", "::1", false),
        ("[::1]", "", true),
    ] {
        let url = format!("http://{host}/");
        let expected = if taken { "a=1" } else { "" };
        assert_eq!(
            sent(&url, &[&format!("a=1; Domain={domain}")], &url),
            expected,
            "{host} {domain}"
        );
    }
    assert_eq!(
        sent("http://127.0.0.1/", &["a=1; Domain=127.0.0.1"], "http://1.127.0.0.1.nip.io/"),
        ""
    );
}

#[test]
fn a_path_is_a_prefix_of_whole_segments() {
    for (path, to, expected) in [
        ("/v1", "/v1", "a=1"),
        ("/v1", "/v1/", "a=1"),
        ("/v1", "/v1/users?x", "a=1"),
        ("/v1", "/v10", ""),
        ("/v1", "/", ""),
        ("/v1/", "/v1", ""),
        ("/v1/", "/v1/users", "a=1"),
        ("/V1", "/v1", ""),
        ("v1", "/v1/users", "a=1"), // no path is the default
        ("", "/v1/", "a=1"),
        ("", "/v2", ""),
    ] {
        let line = format!("a=1; Path={path}");
        let to = format!("https://api.example.com{to}");
        assert_eq!(sent(API, &[&line], &to), expected, "{path}, {to}");
    }
    for (from, path) in [("/v1/users", "/v1"), ("/v1/", "/v1"), ("/v1", "/"), ("/", "/"), ("", "/")]
    {
        let jar = CookieJar::new();
        jar.add(format!("https://example.com{from}"), "a=1").unwrap();
        assert_eq!(jar.iter().next().unwrap().path(), path, "{from}");
    }
}

#[test]
fn longer_paths_come_first_then_older_cookies() {
    let lines =
        ["b=1; Path=/", "a=2; Path=/v1", "c=3; Path=/", "a=4; Path=/", "d=5; Path=/v1/users"];
    assert_eq!(sent(API, &lines, API), "d=5; a=2; b=1; c=3; a=4");
    // Set anew, it keeps its place.
    let lines = ["b=1; Path=/", "c=3; Path=/", "b=2; Path=/"];
    assert_eq!(sent(API, &lines, API), "b=2; c=3");
}

#[test]
fn domain_and_host_are_two_cookies() {
    let lines = ["a=host; Path=/", "a=domain; Path=/; Domain=api.example.com"];
    assert_eq!(sent(API, &lines, API), "a=host; a=domain");
    assert_eq!(sent(API, &lines, "https://v2.api.example.com/"), "a=domain");
}

#[test]
fn secure_cookies_come_and_go_by_safe_ways_alone() {
    assert_eq!(sent(API, &["a=1; Path=/; Secure"], "https://api.example.com/"), "a=1");
    assert_eq!(sent(API, &["a=1; Path=/; secure=no"], "http://api.example.com/"), "");
    let error = refusal("http://api.example.com/", "a=1; Secure");
    assert!(error.contains("use https"), "{error}");
    for machine in
        ["http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/", "http://app.localhost/"]
    {
        assert_eq!(sent(machine, &["a=1; Secure"], machine), "a=1", "{machine}");
    }
}

#[test]
fn plain_http_neither_replaces_nor_hides_a_secure_cookie() {
    let plain = "http://api.example.com/v1/users";
    for line in
        ["a=2; Path=/", "a=2; Path=/v1", "a=2; Path=/; Domain=example.com", "a=; Path=/; Max-Age=0"]
    {
        let jar = CookieJar::new();
        learn(&jar, API, &["a=1; Path=/; Secure"]);
        learn(&jar, plain, &[line]);
        assert_eq!(header(&jar, API), "a=1", "{line}");
    }
    let jar = CookieJar::new();
    learn(&jar, API, &["a=1; Path=/v1; Secure; Domain=example.com"]);
    for (line, expected) in [
        ("a=2; Path=/v1/users", "a=1"),   // would be sent first
        ("b=2; Path=/", "a=1; b=2"),      // another name
        ("a=2; Path=/", "a=1; b=2; a=2"), // a shorter path hides nothing
    ] {
        learn(&jar, plain, &[line]);
        assert_eq!(header(&jar, API), expected, "{line}");
    }
    // https may.
    learn(&jar, API, &["a=3; Path=/v1; Domain=example.com"]);
    assert_eq!(header(&jar, plain), "a=3; b=2; a=2");
}

#[test]
fn names_with_a_prefix_are_held_to_it() {
    for line in [
        "__Secure-a=1",
        "__secure-a=1",
        "__Host-a=1; Secure; Path=/v1",
        "__Host-a=1; Secure",
        "__Host-a=1; Path=/",
        "__Host-a=1; Secure; Path=/; Domain=api.example.com",
        "__HOST-a=1; Path=/",
    ] {
        let error = refusal(API, line);
        assert!(error.contains("is named __"), "{line}: {error}");
    }
    for line in ["__Secure-a=1; Secure", "__Host-a=1; Secure; Path=/", "__Hosta=1", "__Host=1"] {
        assert!(!sent(API, &[line], API).is_empty(), "{line}");
    }
}

#[test]
fn what_expires_is_gone() {
    let clock = Clock::default();
    let jar = CookieJar::with_runtime(clock.clone());
    let at = httpdate::fmt_http_date(clock.system_time() + Duration::from_secs(120));
    learn(&jar, API, &["a=1; Max-Age=60", &format!("b=2; Expires={at}"), "c=3"]);
    assert_eq!(header(&jar, API), "a=1; b=2; c=3");
    clock.advance(59);
    assert_eq!(header(&jar, API), "a=1; b=2; c=3");
    clock.advance(1);
    assert_eq!(header(&jar, API), "b=2; c=3");
    assert_eq!(jar.iter().count(), 2);
    clock.advance(61);
    assert_eq!(header(&jar, API), "c=3");
    assert!(jar.get(API, "b").is_none() && jar.get(API, "c").is_some());
}

#[test]
fn what_has_expired_removes() {
    for line in ["a=; Max-Age=0", "a; Max-Age=0", "a=x; Expires=Thu, 1 Jan 1970 00:00:00 GMT"] {
        let jar = CookieJar::new();
        learn(&jar, API, &["a=1", "b=2"]);
        learn(&jar, API, &[line]);
        let expected = if line.starts_with("a;") { "a=1; b=2" } else { "b=2" };
        assert_eq!(header(&jar, API), expected, "{line}");
    }
    // Another path is another cookie.
    let jar = CookieJar::new();
    learn(&jar, API, &["a=1; Path=/", "a=; Max-Age=0"]);
    assert_eq!((header(&jar, API), jar.len()), ("a=1".to_owned(), 1));
}

#[test]
fn lines_are_read_leniently_and_values_kept_as_they_are() {
    for (line, expected) in [
        (" a = 1 ; Path=/", "a=1"),
        ("a=\"1 2\"", "a=\"1 2\""),
        ("a=b=c", "a=b=c"),
        ("a=", "a="),
        ("a=1; Unknown; ; =x; Path=/", "a=1"),
        ("a=%3B", "a=%3B"),
        ("a=é", "a=é"),
        ("a=1,2", "a=1,2"),
        ("a=1;;Path=/;HTTPONLY;sAmEsItE=Strict;Partitioned", "a=1"),
        ("novalue", ""),
        ("=1", ""),
        ("", ""),
        (";a=1", ""),
    ] {
        assert_eq!(sent(API, &[line], API), expected, "{line}");
    }
    assert!(refusal(API, "a=1\u{7}").contains("control character"));
    assert!(refusal(API, "a=1\r\nb=2").contains("control character"));
    // No UTF-8.
    let jar = CookieJar::new();
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, HeaderValue::from_bytes(b"a=\xff").unwrap());
    jar.learn(&Url::parse(API).unwrap(), &headers);
    assert!(jar.is_empty());
}

#[test]
fn sizes_are_bounded() {
    let line = |length: usize| format!("a={}", "x".repeat(length));
    assert_eq!(sent(API, &[&line(4095)], API).len(), 4097);
    assert!(refusal(API, &line(4096)).contains("more than 4096 bytes"));
    // Attributes that are too long are ignored.
    let long = "x".repeat(1024);
    assert_eq!(sent(API, &[&format!("a=1; Path=/{long}")], API), "a=1");
    assert_eq!(sent(API, &[&format!("a=1; Domain={long}.example.com")], API), "a=1");
}

#[test]
fn a_domain_has_up_to_fifty_and_the_one_unused_for_longest_goes() {
    let jar = CookieJar::new();
    for number in 0..50 {
        jar.add(API, &format!("c{number}={number}; Path=/p{number}")).unwrap();
    }
    jar.add("https://example.com/", "other=1; Domain=example.com").unwrap();
    // The first is used.
    assert_eq!(header(&jar, "https://api.example.com/p0"), "c0=0; other=1");
    jar.add(API, "new=1").unwrap();
    assert_eq!(jar.len(), 51);
    let left: Vec<_> = jar.iter().map(|cookie| cookie.name().to_owned()).collect();
    assert!(left.contains(&"c0".to_owned()) && !left.contains(&"c1".to_owned()), "{left:?}");
    assert!(left.contains(&"other".to_owned()) && left.contains(&"new".to_owned()));
    // Set anew, it takes no other's place.
    jar.add(API, "new=2").unwrap();
    assert_eq!(jar.len(), 51);
}

#[test]
fn what_has_expired_goes_before_what_is_old() {
    let clock = Clock::default();
    let jar = CookieJar::with_runtime(clock.clone());
    for number in 0..49 {
        jar.add(API, &format!("c{number}=1")).unwrap();
    }
    jar.add(API, "short=1; Max-Age=1").unwrap();
    clock.advance(2);
    jar.add(API, "new=1").unwrap();
    assert_eq!(jar.len(), 50);
    assert!(jar.get(API, "c0").is_some() && jar.get(API, "short").is_none());
}

#[test]
fn nobody_pushes_out_the_cookies_of_others() {
    let jar = CookieJar::new();
    jar.add(API, "mine=1").unwrap();
    for host in 0..100 {
        for number in 0..40 {
            jar.add(format!("https://h{host}.evil.test/"), &format!("c{number}=1")).unwrap();
        }
    }
    assert_eq!(jar.len(), shelf::IN_ALL);
    assert_eq!(header(&jar, API), "mine=1");
    assert_eq!(jar.iter().count(), shelf::IN_ALL);
    jar.clear();
    assert!(jar.is_empty() && jar.iter().next().is_none());
}

#[test]
fn what_a_request_has_itself_wins_by_name() {
    let jar = CookieJar::new();
    learn(&jar, API, &["a=jar", "b=jar", "c=jar"]);
    let with = |own: &'static str| {
        let own = HeaderValue::from_static(own);
        let all = jar.header(&Url::parse(API).unwrap(), Some(&own));
        all.map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(with("b=own").as_deref(), Some("b=own; a=jar; c=jar"));
    assert_eq!(with("x=1;c = own ; a").as_deref(), Some("x=1;c = own ; a; b=jar"));
    assert_eq!(with("B=own").as_deref(), Some("B=own; a=jar; b=jar; c=jar"));
    assert_eq!(with("c=1; b=1; a=1"), None);
}

#[test]
fn a_jar_is_looked_at_and_changed() {
    let jar = CookieJar::new();
    let same = jar.clone();
    jar.add(API, "a=1; HttpOnly; Secure; Max-Age=60").unwrap();
    jar.add(API, "a=2; Path=/").unwrap();
    let cookie = same.get(API, "a").unwrap();
    assert_eq!((cookie.value(), cookie.path()), ("1", "/v1"));
    assert!(cookie.is_http_only() && cookie.is_secure() && cookie.expires().is_some());
    assert!(same.get("https://api.example.com/other", "a").unwrap().expires().is_none());
    assert!(same.get("no url", "a").is_none() && same.get(API, "b").is_none());
    assert!(!same.remove(API, "b") && !same.remove("no url", "a"));
    assert!(!same.remove("https://elsewhere.test/", "a"));
    assert!(same.remove(API, "a"));
    assert!(jar.is_empty());
    assert!(jar.add("no url", "a=1").is_err());
}

#[test]
fn debug_shows_counts_and_no_values() {
    let jar = CookieJar::new();
    jar.add(API, "name7=hunter2").unwrap();
    assert_eq!(format!("{jar:?}"), "CookieJar { cookies: 1, .. }");
    let cookie = jar.iter().next().unwrap();
    assert!(!format!("{cookie:?} {:?}", jar.to_json_with_session()).contains("hunter2"));
    let error = jar.add(API, "name7=hunter2; Domain=com").unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[test]
fn a_jar_survives_its_json() {
    let clock = Clock::default();
    let jar = CookieJar::with_runtime(clock.clone());
    learn(
        &jar,
        API,
        &[
            "a=\"1\\2\"; Max-Age=60; Path=/; Secure; HttpOnly",
            "b=é; Domain=example.com; Max-Age=600",
            "c=session",
        ],
    );
    jar.add("http://[::1]:80/", "d=1; Max-Age=600").unwrap();
    jar.add("http://127.0.0.1/", "d=2; Max-Age=600").unwrap();
    let shown = |jar: &CookieJar| {
        let cookie = |cookie: Cookie| format!("{cookie:?} {}", cookie.value());
        jar.iter().map(cookie).collect::<Vec<_>>()
    };
    let restore = |json: &Secret| {
        let restored = CookieJar::with_runtime(clock.clone());
        restored.load_json(json.expose()).unwrap();
        restored
    };
    let whole = restore(&jar.to_json_with_session());
    assert_eq!(shown(&whole), shown(&jar));
    assert_eq!(whole.len(), 5);
    assert_eq!(header(&whole, API), header(&jar, API));
    let persistent = restore(&jar.to_json());
    assert_eq!(persistent.len(), 4);
    assert!(persistent.get(API, "c").is_none());
    // What has expired since is left out.
    clock.advance(61);
    assert_eq!(restore(&whole.to_json()).len(), 3);
    let json = r#"{"version":1,"cookies":[{"name":"a","value":"1","domain":"example.com","host_only":true,"path":"/","secure":false,"http_only":false,"expires":1}]}"#;
    assert!(CookieJar::from_json(json).unwrap().is_empty());
}

/// One that could not be read back would lose all the others with it.
#[test]
fn whatever_a_server_may_set_survives_its_json() {
    let jar = CookieJar::new();
    let long = format!("{API}{}/x", "y".repeat(2000));
    jar.add(&long, "a=1").unwrap();
    jar.add(API, "b\tb=1\t2; Path=/v\t1").unwrap();
    let restored = CookieJar::from_json(jar.to_json_with_session().expose()).unwrap();
    assert_eq!(header(&restored, &long), header(&jar, &long));
    let paths = |jar: &CookieJar| jar.iter().map(|cookie| cookie.path().len()).collect::<Vec<_>>();
    assert_eq!((restored.len(), paths(&restored)), (2, paths(&jar)));
}

#[test]
fn json_from_anywhere_is_held_to_the_rules() {
    let good = r#"{"version":1,"cookies":[{"name":"a","value":"hunter2","domain":"example.com","host_only":false,"path":"/","secure":false,"http_only":false,"expires":null}]}"#;
    assert_eq!(header(&CookieJar::from_json(good).unwrap(), "https://a.example.com/"), "a=hunter2");
    for (from, to, problem) in [
        ("\"version\":1", "\"version\":2", "is of version 2: this release reads 1"),
        ("\"example.com\"", "\"com\"", "no. 1 has a domain that cannot be"),
        ("\"example.com\"", "\"Example.com\"", "has a domain that cannot be"),
        ("\"example.com\"", "\"127.0.0.1\"", "has a domain that cannot be"),
        ("\"example.com\"", "\"example.com/x\"", "has a domain that cannot be"),
        ("\"example.com\"", "\"u@example.com\"", "has a domain that cannot be"),
        ("\"example.com\"", "\"\"", "has a domain that cannot be"),
        ("\"/\"", "\"x\"", "has a path that cannot be"),
        ("\"/\"", "\"/;\"", "has a path that cannot be"),
        ("\"a\"", "\"\"", "has a name that cannot be"),
        ("\"a\"", "\"a=b\"", "has a name that cannot be"),
        ("\"a\"", "\"__Host-a\"", "is named __Host-"),
        ("hunter2", "hunter2; b=1", "has a value that cannot be"),
        ("hunter2", "hunter2\\r\\nx: y", "has a value that cannot be"),
        ("null", "18446744073709551615", "expires beyond all time"),
        ("null", "\"hunter2\"", "is not what to_json writes: see line 1, column"),
        ("}]}", "}", "is not what to_json writes"),
    ] {
        let json = good.replace(from, to);
        assert_ne!(json, good);
        let error = CookieJar::from_json(&json).expect_err(&json);
        assert!(error.to_string().contains(problem), "{to}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let large = good.replace("hunter2", &"x".repeat(5000));
    assert!(CookieJar::from_json(&large).unwrap_err().to_string().contains("4096"));
    for text in ["", "[]", "null", "{}"] {
        assert!(matches!(CookieJar::from_json(text), Err(Error::Build(_))), "{text}");
    }
}

#[test]
fn a_lock_that_a_panic_poisoned_opens() {
    let jar = CookieJar::new();
    jar.add(API, "a=1").unwrap();
    let other = jar.clone();
    let panicked = std::thread::spawn(move || {
        let _guard = other.0.shelf.lock();
        std::panic::resume_unwind(Box::new("while it is locked"));
    });
    assert!(panicked.join().is_err() && jar.0.shelf.is_poisoned());
    assert_eq!(header(&jar, API), "a=1");
    jar.add(API, "b=1").unwrap();
    assert_eq!(jar.len(), 2);
}

/// Why lifetimes, public suffixes, order and bounds are ours: when one of these fails, the crates have learned.
mod what_the_crates_do {
    use cookie_store::{CookieStore, RawCookie};

    use super::*;

    #[test]
    fn an_empty_max_age_is_for_ever_and_many_dates_are_not_read() {
        let cookie = RawCookie::parse("a=1; Max-Age=").unwrap();
        assert!(cookie.max_age().is_some_and(|age| age.whole_seconds() == i64::MAX));
        for date in ["Thu, 1 Jan 1970 00:00:00 GMT", "Thu Jan 01 1970 00:00:00 GMT+0000"] {
            let cookie = RawCookie::parse(format!("a=1; Expires={date}")).unwrap();
            assert!(cookie.expires().is_none(), "{date}");
        }
    }

    #[test]
    fn the_store_takes_secure_cookies_from_anywhere_and_believes_prefixes() {
        let plain = Url::parse("http://example.com/").unwrap();
        for line in ["a=1; Secure", "__Host-a=1", "a=1; Domain=com"] {
            assert!(CookieStore::default().parse(line, &plain).is_ok(), "{line}");
        }
    }
}
