//! From core's request to isahc's.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use isahc::AsyncBody;
use isahc::auth::{Authentication, Credentials};
use isahc::config::{Configurable as _, ExpectContinue, RedirectPolicy, VersionNegotiation};
use midil_http_core::{
    Body, BuildError, Error, Protocol, Proxy, ProxyMatcher, Request, RequestHead, TransportSettings,
};

use crate::upload::{Once, Reader, Upload};

/// How requests are made.
pub(crate) struct Rules {
    /// For requests that have none.
    user_agent: HeaderValue,
    proxies: ProxyMatcher,
    clients: Clients,
    /// Whether curl might resend a request without a body even where no connection is kept.
    may_resend: bool,
}

/// Whose clients they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    Ours,
    /// Set for anything: each request must say what it wants.
    Theirs,
}

/// A request as isahc takes it.
pub(crate) struct Outgoing {
    pub(crate) request: http::Request<AsyncBody>,
    /// Where its body leaves what it fails with.
    pub(crate) upload: Option<Arc<Upload>>,
    pub(crate) is_head: bool,
    /// Whether it leaves in one piece, so that nothing is left to send when its response comes.
    pub(crate) is_short: bool,
    /// Whether it may go over a connection that was used before: curl resends it, when that turns out to be dead.
    pub(crate) may_be_resent: bool,
}

/// Bytes up to this size are copied, so that curl can send them again.
const RESENT: usize = 64 * 1024;

/// A body up to this size fits into what the system buffers of a connection, together with the head.
const SHORT: u64 = 8 * 1024;

/// For a body above 1 MiB, or of unknown length, curl would ask first whether it is welcome. To keep it from that costs as
/// much as another header: so it is done only where it might, with a margin.
const NEVER_ANNOUNCED: u64 = 64 * 1024;

impl Rules {
    pub(crate) fn of(settings: &TransportSettings) -> Result<Self, Error> {
        let user_agent = settings.user_agent.clone().unwrap_or(EMPTY);
        let proxies = settings.proxy.matcher()?;
        let may_resend = settings.protocol == Protocol::Http2PriorKnowledge;
        Ok(Self { user_agent, proxies, clients: Clients::Ours, may_resend })
    }

    /// For clients of the caller's; `is_single` when there is but one, which keeps connections.
    pub(crate) fn of_theirs(is_single: bool) -> Self {
        let proxies = ProxyMatcher::default();
        Self { user_agent: EMPTY, proxies, clients: Clients::Theirs, may_resend: is_single }
    }

    /// # Errors
    ///
    /// [`Error::Build`] for what curl cannot send, or not as it is.
    pub(crate) fn apply(&self, request: Request) -> Result<Outgoing, Error> {
        let (mut head, body) = request.into_parts();
        self.check(&head, &body)?;
        let (body, upload, may_be_resent) = self.body(&mut head, body);
        let up_to = |most| body.len().is_some_and(|length| length <= most);
        let is_short = upload.is_none() && up_to(SHORT);
        let may_be_announced = !up_to(NEVER_ANNOUNCED);
        leave_accept_to_curl(&mut head.headers);
        // isahc would name itself.
        head.headers.entry(header::USER_AGENT).or_insert_with(|| self.user_agent.clone());
        let is_head = head.method == Method::HEAD;
        let builder = self.configure(http::Request::builder(), &head, may_be_announced)?;
        let mut request = builder.body(body).map_err(|error| {
            BuildError::new("request", "cannot be sent: see the cause").with_source(error)
        })?;
        *request.method_mut() = head.method;
        *request.uri_mut() = uri(head.url)?;
        *request.headers_mut() = head.headers;
        Ok(Outgoing { request, upload, is_head, is_short, may_be_resent })
    }

    fn check(&self, head: &RequestHead, body: &Body) -> Result<(), Error> {
        let problem = |setting: &str, problem: &str| Err(BuildError::new(setting, problem).into());
        match head.url.scheme() {
            "http" => {}
            "https" if cfg!(feature = "rustls") || self.clients == Clients::Theirs => {}
            "https" => {
                return problem(
                    "URL",
                    "is https, and there is no TLS: turn on the feature `rustls` of midil-http-isahc",
                );
            }
            // curl would read files, too.
            _ => return problem("URL", "is neither http nor https: give one that is"),
        }
        if !head.url.username().is_empty() || head.url.password().is_some() {
            return problem(
                "URL",
                "has userinfo, which is not sent: give the credentials to the client with `auth`",
            );
        }
        if head.method == Method::CONNECT {
            return problem(
                "method",
                "is CONNECT, which curl keeps for proxies: set the proxy of the transport",
            );
        }
        if head.method == Method::HEAD && !body.is_empty() {
            return problem(
                "body",
                "cannot go with HEAD: curl would wait for one to come back; leave it out",
            );
        }
        if head.headers.contains_key(header::EXPECT) {
            return problem(
                "header expect",
                "makes curl wait, and send again after a 417: leave it out",
            );
        }
        for (name, value) in &head.headers {
            // All that it can hold beside is visible.
            if !value.as_bytes().is_ascii() {
                let problem = "has a value that is not ASCII, which isahc cannot send: encode it";
                return Err(BuildError::new(format!("header {name}"), problem).into());
            }
        }
        let is_chunked = !body.is_empty() && body.length().is_none();
        match head.version {
            Version::HTTP_10 if !is_chunked => Ok(()),
            Version::HTTP_11 => Ok(()),
            Version::HTTP_2 if cfg!(feature = "http2") => Ok(()),
            version => {
                let problem = format!(
                    "{version:?} cannot carry this request: leave it at HTTP/1.1, which lets the transport choose"
                );
                Err(BuildError::new("version", problem).into())
            }
        }
    }

    /// The body as isahc takes it, and what frames it; where it leaves what it fails with; and whether the request may be sent
    /// twice.
    fn body(&self, head: &mut RequestHead, body: Body) -> (AsyncBody, Option<Arc<Upload>>, bool) {
        remove_framing(&mut head.headers);
        let is_idempotent = head.is_idempotent();
        if body.is_empty() {
            if !is_idempotent && self.may_resend && may_carry_nothing_in_chunks(head) {
                // curl cannot rewind a stream, not even an empty one, and so does not send it again.
                return (AsyncBody::from_reader(Reader::new(body, &Arc::default())), None, false);
            }
            // A method that is made to carry content says so when there is none: RFC 9110, section 8.6.
            if [Method::POST, Method::PUT, Method::PATCH].contains(&head.method) {
                head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            return (AsyncBody::empty(), None, is_idempotent);
        }
        if head.method == Method::POST {
            // curl would call it a form.
            head.headers.entry(header::CONTENT_TYPE).or_insert(EMPTY);
        }
        if is_idempotent && let Some(bytes) = body.as_bytes().filter(|bytes| bytes.len() <= RESENT)
        {
            return (AsyncBody::from(bytes.to_vec()), None, true);
        }
        if let Some(bytes) = body.as_bytes() {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            return (AsyncBody::from_reader_sized(Once(bytes.clone()), length), None, false);
        }
        let (length, upload) = (body.length(), Arc::new(Upload::default()));
        let reader = Reader::new(body, &upload);
        let body = match length {
            Some(length) => AsyncBody::from_reader_sized(reader, length),
            None => AsyncBody::from_reader(reader),
        };
        (body, Some(upload), false)
    }

    /// What this request wants other than its client does.
    fn configure(
        &self,
        mut builder: http::request::Builder,
        head: &RequestHead,
        may_be_announced: bool,
    ) -> Result<http::request::Builder, Error> {
        if may_be_announced {
            builder = builder.expect_continue(ExpectContinue::disabled());
        }
        if self.clients == Clients::Theirs {
            builder = builder
                .redirect_policy(RedirectPolicy::None)
                .automatic_decompression(false)
                .authentication(Authentication::none())
                .timeout(Duration::ZERO)
                .low_speed_timeout(0, Duration::ZERO)
                .title_case_headers(false)
                .metrics(false);
        }
        match head.version {
            Version::HTTP_10 => builder = builder.version_negotiation(VersionNegotiation::http10()),
            Version::HTTP_2 => builder = builder.version_negotiation(VersionNegotiation::http2()),
            _ => {}
        }
        if !self.proxies.is_empty()
            && let Some(proxy) = self.proxies.proxy_for(&head.url)
        {
            builder = through(builder, proxy)?;
        }
        Ok(builder)
    }
}

const EMPTY: HeaderValue = HeaderValue::from_static("");

/// Framing is not the caller's: isahc would take its word for the length, and cut the body to it.
fn remove_framing(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
}

/// curl says `Accept: */*` by itself, and at less cost than it passes a header on.
fn leave_accept_to_curl(headers: &mut HeaderMap) {
    let mut values = headers.get_all(header::ACCEPT).iter();
    if values.next().is_some_and(|value| value == "*/*") && values.next().is_none() {
        headers.remove(header::ACCEPT);
    }
}

fn may_carry_nothing_in_chunks(head: &RequestHead) -> bool {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    head.version != Version::HTTP_10 && !safe.contains(&head.method)
}

fn uri(url: impl Into<String>) -> Result<Uri, Error> {
    Uri::try_from(url.into()).map_err(|error| {
        BuildError::new("URL", "cannot be sent: see the cause").with_source(error).into()
    })
}

/// Through `proxy`, whatever the environment says of it.
fn through(
    builder: http::request::Builder,
    proxy: &Proxy,
) -> Result<http::request::Builder, Error> {
    let uri = Uri::try_from(proxy.url().as_str()).map_err(|error| {
        BuildError::new("proxy", "cannot be used: see the cause").with_source(error)
    })?;
    let builder = builder.proxy(uri);
    Ok(match proxy.credentials() {
        Some((user, password)) => builder
            .proxy_authentication(Authentication::basic())
            .proxy_credentials(Credentials::new(user, password.expose())),
        None => builder,
    })
}
