//! The command line. What may hold a secret is text here and is checked later, so that no message echoes it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgGroup, Parser, ValueEnum};

/// Makes an HTTP call and prints what came of it as one line of JSON.
#[derive(Parser)]
#[command(
    name = "call",
    override_usage = "call [OPTIONS] [METHOD] URL",
    after_help = "The HTTP_* environment variables apply; options win over them. RUST_LOG sets what is logged to standard error.",
    group(ArgGroup::new("content").args(["json", "data", "form", "upload", "stream"])),
    group(ArgGroup::new("scheme").args(["token_url", "cognito_domain", "bearer", "basic", "api_key"])),
    group(ArgGroup::new("oauth").args(["token_url", "cognito_domain"]))
)]
pub(crate) struct Options {
    /// The method, GET by default, and the URL
    #[arg(required = true, num_args = 1..=2, value_name = "TARGET")]
    pub(crate) target: Vec<String>,
    /// The transport; default: that of HTTP_TRANSPORT_TYPE, or reqwest
    #[arg(long, value_enum)]
    pub(crate) backend: Option<Backend>,
    /// What a relative URL is appended to; default: the origin of URL
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// A pair for the query string (repeats)
    #[arg(short, long, value_name = "K=V")]
    pub(crate) query: Vec<String>,
    /// A header (repeats)
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// A cookie (repeats)
    #[arg(long, value_name = "K=V")]
    pub(crate) cookie: Vec<String>,

    /// A JSON body
    #[arg(long, value_name = "TEXT")]
    pub(crate) json: Option<String>,
    /// A body as it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) data: Option<String>,
    /// A field of a form (repeats)
    #[arg(long, value_name = "K=V")]
    pub(crate) form: Vec<String>,
    /// A file of a form of several parts, with the fields of --form (repeats)
    #[arg(long, value_name = "FIELD=PATH", conflicts_with_all = ["json", "data", "upload", "stream"])]
    pub(crate) file: Vec<String>,
    /// A file as a body that can be sent again
    #[arg(long, value_name = "PATH")]
    pub(crate) upload: Option<PathBuf>,
    /// A file as a body that can be sent once; - is standard input
    #[arg(long, value_name = "PATH")]
    pub(crate) stream: Option<PathBuf>,

    /// The longest an attempt may go without progress
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Option<Duration>,
    /// The longest that making a connection may take
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub(crate) connect_timeout: Option<Duration>,
    /// The longest one attempt may take, its body included
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub(crate) attempt_timeout: Option<Duration>,
    /// The longest the whole call may take
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub(crate) total_timeout: Option<Duration>,

    /// Attempts in all, at least 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub(crate) attempts: Option<u32>,
    /// The wait before the first retry, before jitter
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) base_delay: Option<Duration>,
    /// The longest wait before a retry
    #[arg(long, value_name = "S", value_parser = positive_seconds, allow_negative_numbers = true)]
    pub(crate) max_delay: Option<Duration>,
    /// The longest Retry-After that is obeyed; beyond it the call gives up
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) max_retry_after: Option<Duration>,
    /// Make one attempt
    #[arg(long)]
    pub(crate) no_retry: bool,
    /// Sending the request twice is as good as once
    #[arg(long)]
    pub(crate) idempotent: bool,
    /// The Idempotency-Key, the same on each attempt
    #[arg(long, value_name = "TEXT")]
    pub(crate) idempotency_key: Option<String>,

    /// Failures in a row after which calls to an origin are refused, and for how long
    #[arg(long, value_name = "THRESHOLD,SECONDS", value_parser = breaker, allow_hyphen_values = true)]
    pub(crate) breaker: Option<(u32, Duration)>,
    /// Exchanges in flight, at least 1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_connections: Option<usize>,
    /// How much of a body is read into memory
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_response_bytes: Option<u64>,

    /// Follow no redirect
    #[arg(long, conflicts_with_all = ["follow", "any_redirect"])]
    pub(crate) no_follow: bool,
    /// Follow up to N redirects
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) follow: Option<u32>,
    /// Follow redirects to any origin
    #[arg(long)]
    pub(crate) any_redirect: bool,
    /// An origin that may be called, too (repeats)
    #[arg(long, value_name = "URL")]
    pub(crate) allow_origin: Vec<String>,
    /// An origin that may be called and gets credentials (repeats)
    #[arg(long, value_name = "URL")]
    pub(crate) auth_origin: Vec<String>,

    /// Where OAuth2 client credentials are exchanged for a token
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// The same, of an Amazon Cognito user pool
    #[arg(long, value_name = "HOST")]
    pub(crate) cognito_domain: Option<String>,
    /// The client's id
    #[arg(long, value_name = "ID", requires = "oauth", allow_hyphen_values = true)]
    pub(crate) client_id: Option<String>,
    /// The client's secret, or @FILE; default: what MIDIL_CLIENT_SECRET holds
    #[arg(long, value_name = "SECRET", requires = "oauth", allow_hyphen_values = true)]
    pub(crate) client_secret: Option<String>,
    /// A scope that the token is to have (repeats)
    #[arg(long, requires = "oauth")]
    pub(crate) scope: Vec<String>,
    /// How the client proves who it is
    #[arg(long, requires = "oauth", value_parser = ["basic", "post"])]
    pub(crate) auth_method: Option<String>,
    /// A token, as Authorization: Bearer
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) bearer: Option<String>,
    /// A user and a password, as Authorization: Basic
    #[arg(long, value_name = "USER:PASS", allow_hyphen_values = true)]
    pub(crate) basic: Option<String>,
    /// A key, in a header of any name
    #[arg(long, value_name = "NAME: VALUE", allow_hyphen_values = true)]
    pub(crate) api_key: Option<String>,

    /// One more trusted root certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Make the same call N times through one client
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub(crate) repeat: u32,
    /// Calls in flight at most
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub(crate) concurrency: u32,
    /// A pause after each call
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) pause: Option<Duration>,

    /// Make a 4xx or 5xx an error
    #[arg(long)]
    pub(crate) raise_for_status: bool,
    /// Stream the body to FILE instead of into the JSON
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The HTTP stack.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Reqwest,
    Isahc,
    Hyper,
}

impl Options {
    /// The options, or the exit status after help or bad usage.
    pub(crate) fn from_args() -> Result<Self, ExitCode> {
        let options = Self::try_parse().map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                drop(error.print());
                ExitCode::SUCCESS
            }
            _ => super::misuse(&explain(&error)),
        })?;
        let stdin = options.stream.as_deref().is_some_and(|path| path.as_os_str() == "-");
        if stdin && options.repeat > 1 {
            return Err(super::misuse(
                "--stream - cannot repeat: standard input can be read once; give a file",
            ));
        }
        for (option, form, pairs) in [
            ("--query", "K=V", &options.query),
            ("--cookie", "K=V", &options.cookie),
            ("--form", "K=V", &options.form),
            ("--file", "FIELD=PATH", &options.file),
        ] {
            if !pairs.iter().all(|pair| pair.contains('=')) {
                return Err(super::misuse(&format!(
                    "{option} takes {form}; a value without = was given"
                )));
            }
        }
        if !options.header.iter().all(|header| header.contains(':')) {
            return Err(super::misuse(
                "--header takes 'Name: value'; a value without a colon was given",
            ));
        }
        Ok(options)
    }

    /// The method, in capitals as it was given, and the URL.
    pub(crate) fn target(&self) -> (&str, &str) {
        match self.target.as_slice() {
            [method, url] => (method, url),
            [url] => ("GET", url),
            _ => ("GET", ""),
        }
    }
}

/// What clap says, without any value: one may be a secret, its option mistyped or forgotten.
fn explain(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let option = text(ContextKind::InvalidArg).unwrap_or("an argument");
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::TooManyValues => {
            let name = option.split('=').next().filter(|name| is_option_name(name));
            format!("{} is not expected here; see --help", name.unwrap_or("an argument"))
        }
        ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
                format!("{option} takes one of {}", valid.join(", "))
            }
            _ => format!("{option} takes a value"),
        },
        ErrorKind::ValueValidation => match std::error::Error::source(error) {
            Some(problem) => format!("{option}: {}", without_value(&problem.to_string(), error)),
            None => format!("{option} does not take this value"),
        },
        ErrorKind::InvalidUtf8 => "an argument is no UTF-8".to_owned(),
        // These name options alone.
        _ => error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
    }
}

/// Whether it is the name of an option, rather than a secret that begins like one.
fn is_option_name(text: &str) -> bool {
    text.starts_with('-') && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase())
}

/// Parsers of numbers repeat what they could not parse.
fn without_value(problem: &str, error: &clap::Error) -> String {
    match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if !value.is_empty() => problem.replace(value, "this"),
        _ => problem.to_owned(),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let allowed = || "give a finite number of seconds, 0 or more".to_owned();
    let seconds: f64 = text.parse().map_err(|_| allowed())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| allowed())
}

fn positive_seconds(text: &str) -> Result<Duration, String> {
    seconds(text)
        .ok()
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "give a finite number of seconds above 0".to_owned())
}

fn breaker(text: &str) -> Result<(u32, Duration), String> {
    let parse = || {
        let (threshold, seconds) = text.split_once(',')?;
        let threshold = threshold.trim().parse().ok().filter(|threshold| *threshold > 0)?;
        Some((threshold, positive_seconds(seconds.trim()).ok()?))
    };
    parse().ok_or_else(|| "give failures in a row and seconds, such as 5,30".to_owned())
}
