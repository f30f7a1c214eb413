//! Cookies. Lines: a character for the URL that answers (`0` is the first), and its `Set-Cookie`.
//!
//! Then every URL is called. What is sent there must be named by a line that may have set it: of a host and path that
//! share it, over https where it is `Secure`, and for as long as it lives. What is plain and was set last comes back. The jar comes back from its JSON.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, header};
use midil_http_core::{Body, CookieJar, HttpClient, Request, Runtime as _};
use midil_http_test::ManualRuntime;
use url::Url;

use super::input::{Input, now};

const URLS: [&str; 11] = [
    "https://example.com/",
    "http://example.com/",
    "https://api.example.com/v1/users",
    "https://other.co.uk/v1",
    "https://me.github.io/",
    "https://you.github.io/v1/",
    "http://127.0.0.1/",
    "https://10.0.0.1/",
    "https://example.com/v1/users/7",
    "https://notexample.com/",
    "http://api.example.com/v1/users",
];
/// Below which anybody may have a name.
const SUFFIXES: [&str; 5] = ["com", "co.uk", "uk", "github.io", "io"];

const DAY: Duration = Duration::from_secs(86_400);

struct Line<'a> {
    from: Url,
    text: &'a str,
}

impl Line<'_> {
    /// Whether that is the cookie, with its quotes or without them.
    fn sets(&self, name: &str, value: &str) -> bool {
        let pair = self.text.split(';').next().and_then(|pair| pair.split_once('='));
        pair.is_some_and(|(n, v)| {
            let v = v.trim();
            n.trim() == name && (v == value || v.trim_matches('"') == value)
        })
    }

    /// Names in lower case, and values.
    fn attributes(&self) -> Vec<(String, &str)> {
        let fields = self.text.split(';').skip(1);
        fields
            .map(|field| {
                let (name, value) = field.split_once('=').unwrap_or((field, ""));
                (name.trim().to_ascii_lowercase(), value.trim())
            })
            .collect()
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes().iter().any(|(name, _)| name == attribute)
    }

    /// What the last `Max-Age` says that is a number.
    fn lifetime(&self) -> Option<Duration> {
        let attributes = self.attributes();
        let ages = attributes.iter().filter(|(name, _)| name == "max-age").rev();
        ages.map(|(_, value)| value).find_map(|value| {
            let digits = value.strip_prefix('-').unwrap_or(value);
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let seconds = if digits == *value { digits.parse().unwrap_or(u64::MAX) } else { 0 };
            is_number.then(|| Duration::from_secs(seconds))
        })
    }

    /// Whether it keeps what its name promises.
    fn keeps_its_promise(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let attributes = self.attributes();
        let host = self.from.host_str().unwrap_or_default();
        // A domain that is no domain, or this very host where none is below it, is none.
        let is_none = |domain: &str| ["", ".", host].contains(&domain) || domain.len() > 1024;
        let is_of_host = || {
            attributes.iter().all(|(name, value)| name != "domain" || is_none(value))
                && attributes.iter().any(|(name, value)| name == "path" && *value == "/")
        };
        match () {
            () if name.starts_with("__host-") => self.has("secure") && is_of_host(),
            () if name.starts_with("__secure-") => self.has("secure"),
            () => true,
        }
    }
}

pub(super) fn check(data: &[u8]) {
    let (mut input, mut lines) = (Input(data), Vec::new());
    let runtime = ManualRuntime::new();
    let jar = CookieJar::with_runtime(runtime.clone());
    let sets: Arc<Mutex<Option<HeaderValue>>> = Arc::default();
    let sent: Arc<Mutex<Option<HeaderValue>>> = Arc::default();
    let (answer, record) = (Arc::clone(&sets), Arc::clone(&sent));
    let transport = move |request: Request| {
        let mut cookies = request.headers().get_all(header::COOKIE).iter();
        *record.lock().unwrap() = cookies.next().cloned();
        assert!(cookies.next().is_none(), "one header has all");
        let mut response = http::Response::new(Body::empty());
        let set = answer.lock().unwrap().take();
        response.headers_mut().extend(set.map(|set| (header::SET_COOKIE, set)));
        async { Ok(response) }
    };
    let mut client = HttpClient::builder(transport)
        .base_url(URLS[0])
        .cookie_jar(jar.clone())
        .runtime(runtime.clone());
    for url in URLS {
        client = client.allow_origin(Url::parse(url).unwrap().origin().ascii_serialization());
    }
    let client = client.build().unwrap();
    let call = |url: &str| {
        now(client.get(url).send()).unwrap();
        sent.lock().unwrap().take()
    };
    while !input.is_over() && lines.len() < 100 {
        let line = input.line();
        let Some((digit, text)) = line.split_first() else { continue };
        let from = URLS[usize::from(digit.wrapping_sub(b'0')) % URLS.len()];
        let Ok(value) = HeaderValue::from_bytes(text) else { continue };
        if let Ok(text) = std::str::from_utf8(text) {
            lines.push(Line { from: Url::parse(from).unwrap(), text });
        }
        *sets.lock().unwrap() = Some(value);
        call(from);
    }

    let mut all = Vec::new();
    for url in URLS {
        let header = call(url);
        let Some(value) = &header else {
            all.push(None);
            continue;
        };
        assert!(value.is_sensitive());
        let text = std::str::from_utf8(value.as_bytes()).expect("what came as UTF-8");
        let url = Url::parse(url).unwrap();
        for pair in text.split("; ") {
            assert!(lines.iter().any(|line| may_send(line, pair, &url)), "{pair:?} to {url}");
        }
        all.push(header);
    }
    comes_back(&lines, &all);
    are_bounded(&jar);

    // A day later, too, so that some have expired.
    for wait in [Duration::ZERO, DAY] {
        runtime.advance(wait);
        let json = jar.to_json_with_session();
        let again = CookieJar::with_runtime(runtime.clone());
        again.load_json(json.expose()).unwrap();
        assert_eq!(again.to_json_with_session().expose(), json.expose());
        let now = runtime.system_time();
        assert!(jar.iter().all(|cookie| cookie.expires().is_none_or(|at| at > now)));
    }
    let lives = |line: &&Line<'_>| line.lifetime().is_none_or(|lifetime| lifetime > DAY);
    for cookie in jar.iter() {
        let is_set = |line: &Line<'_>| line.sets(cookie.name(), cookie.value());
        let mut lines = lines.iter().filter(|line| is_set(line)).peekable();
        assert!(lines.peek().is_some() && lines.any(|line| lives(&line)), "{cookie:?}");
    }
    // Whatever text is no jar, or one.
    if let Ok(text) = std::str::from_utf8(data) {
        let _: Result<_, _> = CookieJar::from_json(text);
    }
}

/// Whether the line may have set what is sent to `to`, by RFC 6265.
fn may_send(line: &Line<'_>, pair: &str, to: &Url) -> bool {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    if !line.sets(name, value) || !line.keeps_its_promise(name) {
        return false;
    }
    let attributes = line.attributes();
    let is_local = to.host_str() == Some("127.0.0.1");
    if line.has("secure") && to.scheme() != "https" && !is_local {
        return false;
    }
    let (from_host, to_host) = (line.from.host_str().unwrap(), to.host_str().unwrap());
    let shares = attributes.iter().filter(|(name, _)| name == "domain").any(|(_, domain)| {
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        is_below(from_host, &domain) && is_below(to_host, &domain) && !SUFFIXES.contains(&&*domain)
    });
    let paths = attributes.iter().filter(|(name, value)| name == "path" && value.starts_with('/'));
    let mut paths: Vec<_> = paths.map(|(_, path)| (*path).to_owned()).collect();
    let (parent, _) = line.from.path().rsplit_once('/').unwrap();
    paths.push(if parent.is_empty() { "/".to_owned() } else { parent.to_owned() });
    let covers = |path: &String| {
        let rest = to.path().strip_prefix(path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
    };
    (from_host == to_host || shares) && paths.iter().any(covers)
}

fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a cookie of a name that no other line has, set by a line that has no attributes, is sent to where it came from.
fn comes_back(lines: &[Line<'_>], all: &[Option<HeaderValue>]) {
    let is_token =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    for line in lines.iter().filter(|_| lines.len() <= 20) {
        let Some((name, value)) = line.text.split_once('=') else { continue };
        let others = lines.iter().filter(|other| other.text.contains(name)).count();
        if !is_token(name) || !is_token(value) || others > 1 || line.text.len() > 1000 {
            continue;
        }
        let index = URLS.iter().position(|url| *url == line.from.as_str()).unwrap();
        let sent = all[index].as_ref().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let is_there =
            sent.as_ref().is_some_and(|sent| sent.split("; ").any(|one| one == line.text));
        assert!(is_there, "{:?} did not come back to {}: {sent:?}", line.text, line.from);
    }
}

fn are_bounded(jar: &CookieJar) {
    for cookie in jar.iter() {
        let of_domain = jar.iter().filter(|other| other.domain() == cookie.domain()).count();
        assert!(of_domain <= 50);
        assert!(cookie.name().len() + cookie.value().len() <= 4096);
        let (value, shown) = (cookie.value(), format!("{cookie:?} {jar:?}"));
        let public = [cookie.name(), cookie.domain(), cookie.path()];
        let is_public = value.len() < 8 || public.iter().any(|text| text.contains(value));
        assert!(is_public || !shown.contains(value), "{shown}");
    }
}
