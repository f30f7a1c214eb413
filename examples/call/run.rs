//! Makes the calls, and tells what came of each.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use futures_util::StreamExt;
use midil_http::{
    Body, Error, FileError, HttpClient, LastOutcome, Next, Request, RequestBuilder, Response,
};
use tokio::io::AsyncWriteExt;

use crate::line::Line;
use crate::options::Options;
use crate::progress::Display;
use crate::{body, client};

/// Makes all calls; tells whether every one got a whole response. An error is one of configuration.
pub(crate) async fn run(options: Options) -> Result<bool, String> {
    let client = client::build(&options).map_err(|error| explain(&error))?;
    let (method, _) = options.target();
    if method.parse::<http::Method>().is_err() {
        return Err("METHOD is no HTTP method: give a token such as GET or POST".into());
    }
    let concurrency = usize::try_from(options.concurrency).unwrap_or(usize::MAX);
    let display = Display::new(options.repeat);
    let (client, options, display) = (&client, &options, &display);
    let mut calls = futures_util::stream::iter(0..options.repeat)
        .map(|_| async move {
            let line = call(client, options, display).await;
            (line, options.pause)
        })
        .map(|call| async move {
            let (line, pause) = call.await;
            display.aside(|| print(&line))?;
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            Ok::<_, String>(line.error.is_none())
        })
        .buffer_unordered(concurrency);
    let mut all_whole = true;
    while let Some(whole) = calls.next().await {
        all_whole &= whole?;
        display.call_is_done();
    }
    display.clear();
    Ok(all_whole)
}

fn print(line: &Line) -> Result<(), String> {
    let text =
        serde_json::to_string(line).map_err(|error| format!("cannot write JSON: {error}"))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}

/// An error and its causes in one sentence.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Makes one call.
async fn call(client: &HttpClient, options: &Options, display: &Display) -> Line {
    let started = Instant::now();
    let counter = Counter::default();
    let mut line = Line::new(options.target().1);
    let outcome = attempt(client, options, &counter, &mut line, display).await;
    line.attempts = counter.attempts();
    if let Err(error) = outcome {
        line.fail(error).await;
    }
    line.elapsed_ms = (started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
    line
}

async fn attempt(
    client: &HttpClient,
    options: &Options,
    counter: &Counter,
    line: &mut Line,
    display: &Display,
) -> Result<(), Error> {
    let mut request = body::attach(request(client, options), options).await?;
    if let Some(observer) = display.transfer("sent") {
        request = request.on_upload_progress(observer);
    }
    let mut request = request.build()?;
    line.url = request.url().to_string();
    request.extensions_mut().insert(counter.clone());
    let mut response = client.execute(request).await?;
    line.url = response.url().to_string();
    line.head(response.status(), response.version(), response.headers());
    if options.raise_for_status {
        response = response.error_for_status().await?;
    }
    if let Some(observer) = display.transfer("received") {
        response = response.on_progress(observer);
    }
    match &options.output {
        Some(path) => save(response, path, line).await,
        None => {
            let mut bytes = Vec::new();
            let outcome = response.read_to_end(&mut bytes).await;
            line.body(response.headers(), &bytes);
            outcome
        }
    }
}

fn request(client: &HttpClient, options: &Options) -> RequestBuilder {
    let (method, url) = options.target();
    let method = method.parse().unwrap_or_default();
    let query: Vec<_> = options.query.iter().filter_map(|pair| pair.split_once('=')).collect();
    let mut request = client.request(method, url).query(&query);
    for header in &options.header {
        let (name, value) = header.split_once(':').unwrap_or_default();
        request = request.header(name.trim(), value.trim_matches([' ', '\t']));
    }
    for (name, value) in options.cookie.iter().filter_map(|pair| pair.split_once('=')) {
        request = request.cookie(name, value);
    }
    if options.idempotent {
        request = request.idempotent(true);
    }
    if let Some(key) = &options.idempotency_key {
        request = request.idempotency_key(key.as_str());
    }
    request
}

/// Streams the body to a file; what arrived counts, also of one that breaks off.
async fn save(response: Response, path: &Path, line: &mut Line) -> Result<(), Error> {
    let received = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&received);
    let response = response.on_progress(move |progress| {
        count.store(progress.transferred(), Ordering::Relaxed);
    });
    let outcome = if is_device(path) {
        pour(response, path).await
    } else {
        response.save(path).await.map(drop)
    };
    line.body_bytes = received.load(Ordering::Relaxed);
    outcome
}

/// Whether something is there that no file can take the place of: `/dev/null`, a pipe.
fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Writes the body to what is there already.
async fn pour(mut response: Response, path: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::from(FileError::new(path, error));
    let mut device = tokio::fs::OpenOptions::new().write(true).open(path).await.map_err(failed)?;
    while let Some(chunk) = response.chunk().await? {
        device.write_all(&chunk).await.map_err(failed)?;
    }
    device.flush().await.map_err(failed)
}

/// Counts the attempts of one call, also of one that ends in an error: 1 and its retries.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    attempts: AtomicU32,
    retry_is_next: AtomicBool,
}

impl Counter {
    pub(crate) fn retry_is_next(&self) {
        self.0.retry_is_next.store(true, Ordering::Relaxed);
    }

    /// Counts the first attempt of all, and those that are retries; not the first of each redirect.
    fn attempt(&self) {
        if self.0.retry_is_next.swap(false, Ordering::Relaxed) || self.attempts() == 0 {
            self.0.attempts.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }
}

/// Attempt middleware that counts.
pub(crate) async fn count_attempt(
    request: Request,
    next: Next<'_>,
) -> Result<http::Response<Body>, Error> {
    if let Some(counter) = request.extensions().get::<Counter>() {
        counter.attempt();
    }
    next.run(request).await
}

/// What the last attempt of a call that gave up came to.
pub(crate) async fn last_response(last: LastOutcome) -> Option<(http::response::Parts, Vec<u8>)> {
    let LastOutcome::Response(response) = last else { return None };
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = body.chunk().await {
        bytes.extend_from_slice(&chunk);
    }
    Some((head, bytes))
}
