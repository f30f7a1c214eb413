//! [`CookieJar`]: cookies that servers set, sent back where they belong.

mod cookie;
mod export;
mod lifetime;
mod received;
mod shelf;
mod site;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, header};
use url::Url;

pub use cookie::Cookie;

use self::shelf::Shelf;
use crate::{BuildError, DefaultRuntime, Error, Runtime, Secret};

/// Keeps the cookies that servers set, and gives them back to whom they belong ([RFC 6265], and what RFC 6265bis adds).
///
/// A client has none unless it is given one, by [`HttpClientBuilder::cookie_jar`]. Clones are cheap and are the same jar, so
/// a jar can be looked at from outside, and shared by clients.
///
/// # Rules
///
/// - A cookie goes to the host that set it, or with `Domain` to all hosts below that; never to all of a public suffix
///   (`com`, `co.uk`, `github.io`). An IP address gets its own alone. Ports and schemes make no difference, `Path` does.
/// - `Secure` cookies are taken from and sent to https, and this machine. A cookie set over plain http replaces or hides none.
/// - `__Secure-` and `__Host-` names are held to what they promise.
/// - `Max-Age` is stronger than `Expires`; 400 days are the longest. `SameSite` and `HttpOnly` are about browsers: a service
///   has neither pages nor scripts.
/// - A cookie has up to 4 KiB; there are up to 50 of a domain and 3000 in all. The one that was not used for longest goes
///   first, of the domain or else of the site that has most.
/// - What breaks a rule is ignored, as is what is no UTF-8.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, CookieJar, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     let known = request.headers().contains_key("cookie");
///     let response = http::Response::builder().header("set-cookie", "session=hunter2; Path=/; Secure");
///     Ok(response.body(Body::from(if known { "welcome back" } else { "hello" })).unwrap())
/// };
/// let jar = CookieJar::new();
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").cookie_jar(jar.clone()).build()?;
/// assert_eq!(client.get("/").send().await?.text().await?, "hello");
/// assert_eq!(client.get("/").send().await?.text().await?, "welcome back");
///
/// // For the next run; this one is of the session, and stays behind unless it is asked for.
/// let saved = jar.to_json_with_session();
/// let restored = CookieJar::from_json(saved.expose())?;
/// assert_eq!(restored.get("https://api.example.com/", "session").unwrap().value(), "hunter2");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// [RFC 6265]: https://www.rfc-editor.org/rfc/rfc6265
/// [`HttpClientBuilder::cookie_jar`]: crate::HttpClientBuilder::cookie_jar
#[derive(Clone)]
pub struct CookieJar(Arc<Shared>);

struct Shared {
    runtime: Box<dyn Runtime>,
    shelf: Mutex<Shelf>,
}

impl CookieJar {
    /// An empty jar, on the clock of the [`DefaultRuntime`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_runtime(DefaultRuntime::new())
    }

    /// An empty jar, on the clock of that runtime.
    #[must_use]
    pub fn with_runtime(runtime: impl Runtime) -> Self {
        Self(Arc::new(Shared { runtime: Box::new(runtime), shelf: Mutex::default() }))
    }

    /// A jar of what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when it is something else, or holds what no server may set.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let jar = Self::new();
        jar.load_json(json)?;
        Ok(jar)
    }

    /// Adds what [`to_json`](Self::to_json) wrote, in place of what is the same; what has expired since is left out.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when it is something else, or holds what no server may set; then nothing is added.
    pub fn load_json(&self, json: &str) -> Result<(), Error> {
        let cookies = export::read(json)?;
        let (mut shelf, now) = self.lock();
        for cookie in cookies {
            shelf.put(cookie, now);
        }
        Ok(())
    }

    /// All cookies that outlive a session. They are secrets: keep the text as you keep a password.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::CookieJar;
    ///
    /// let jar = CookieJar::new();
    /// jar.add("https://api.example.com/", "device=17; Max-Age=86400")?;
    /// jar.add("https://api.example.com/", "session=hunter2")?;
    ///
    /// let next_run = CookieJar::new();
    /// next_run.load_json(jar.to_json().expose())?;
    /// assert!(next_run.get("https://api.example.com/", "device").is_some() && next_run.len() == 1);
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Secret {
        let mut cookies = self.snapshot();
        cookies.retain(|cookie| cookie.expires().is_some());
        export::write(&cookies)
    }

    /// The same, with those of the session: as if the next run were the same session.
    #[must_use]
    pub fn to_json_with_session(&self) -> Secret {
        export::write(&self.snapshot())
    }

    /// Adds a cookie as if `url` had sent it in a `Set-Cookie`: `"name=value; Path=/; …"`. One that has expired removes.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] that says why, where `url` may not set it.
    pub fn add(&self, url: impl AsRef<str>, cookie: &str) -> Result<(), Error> {
        let text = url.as_ref();
        let url = Url::parse(text).map_err(|error| BuildError::url(text, error))?;
        self.receive(&url, cookie).map_err(|why| BuildError::new("a cookie", why).into())
    }

    /// The cookie of that name that would go to `url`: the first, where there are several.
    #[must_use]
    pub fn get(&self, url: impl AsRef<str>, name: &str) -> Option<Cookie> {
        let url = Url::parse(url.as_ref()).ok()?;
        let (mut shelf, now) = self.lock();
        shelf.matching(&url, now).into_iter().find(|cookie| cookie.name() == name).cloned()
    }

    /// All cookies there are now, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Cookie> + use<> {
        self.snapshot().into_iter()
    }

    /// How many cookies it holds, expired ones among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().0.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes the cookies of that name that would go to `url`; tells whether there was one.
    pub fn remove(&self, url: impl AsRef<str>, name: &str) -> bool {
        Url::parse(url.as_ref()).is_ok_and(|url| self.lock().0.remove(&url, name))
    }

    /// Removes them all.
    pub fn clear(&self) {
        self.lock().0.clear();
    }

    /// Learns what `url` sets in the headers of its response.
    pub(crate) fn learn(&self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            if let Ok(line) = std::str::from_utf8(value.as_bytes()) {
                // What a server may not set is ignored.
                let _: Result<(), _> = self.receive(url, line);
            }
        }
    }

    /// The `Cookie` of a request to `url` that has `own` already; `None` when there is nothing to add to it.
    pub(crate) fn header(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let own = own.map(HeaderValue::as_bytes).unwrap_or_default();
        let is_own = |name: &str| {
            own.split(|byte| *byte == b';').any(|pair| {
                let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
                pair[..end].trim_ascii() == name.as_bytes()
            })
        };
        let mut text = own.to_vec();
        {
            let (mut shelf, now) = self.lock();
            for cookie in shelf.matching(url, now) {
                if !is_own(cookie.name()) {
                    if !text.is_empty() {
                        text.extend_from_slice(b"; ");
                    }
                    text.extend_from_slice(cookie.name().as_bytes());
                    text.push(b'=');
                    text.extend_from_slice(cookie.value().as_bytes());
                }
            }
        }
        if text.len() == own.len() {
            return None;
        }
        let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn receive(&self, url: &Url, line: &str) -> Result<(), &'static str> {
        let cookie = received::receive(url, line, self.0.runtime.system_time())?;
        let (mut shelf, now) = self.lock();
        if !cookie.is_secure() && !site::is_secure(url) && shelf.overlays_secure(&cookie, now) {
            return Err("would hide a Secure one: use https");
        }
        shelf.put(cookie, now);
        Ok(())
    }

    fn snapshot(&self) -> Vec<Cookie> {
        let (shelf, now) = self.lock();
        shelf.all(now)
    }

    fn lock(&self) -> (MutexGuard<'_, Shelf>, SystemTime) {
        let now = self.0.runtime.system_time();
        (self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

impl Default for CookieJar {
    fn default() -> Self {
        Self::new()
    }
}

/// How many there are, and nothing of what they are.
impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar").field("cookies", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
