//! [`Link`]: one connection, made when it is needed and again when it fails.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, RedisError, Value};
use futures_util::FutureExt;
use futures_util::future::{Either, Shared, select};
use midil_http_core::{BoxFuture, DefaultRuntime, Runtime};
use tokio::runtime::Handle;

use super::server::{Connection, Server};

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whoever needs the connection gets the one that is there, or waits for the one that is on its way.
pub(super) struct Link {
    server: Arc<Server>,
    current: Arc<Mutex<Current>>,
}

#[derive(Default)]
struct Current {
    /// Which connection it is: those who come late with a complaint about an older one change nothing.
    number: u64,
    ready: Option<Ready>,
    /// Since when it is on its way.
    connecting: Option<Instant>,
}

impl Current {
    /// Whether it should have come about, or failed, by now: a runtime that nobody drives does neither.
    fn is_stuck(&self) -> bool {
        let age = |since| DefaultRuntime::new().now().saturating_duration_since(since);
        self.connecting.is_some_and(|since| age(since) >= CONNECT_TIMEOUT)
    }
}

type Ready = Shared<BoxFuture<'static, Result<Connection, RedisStoreError>>>;

impl Link {
    pub(super) fn new(server: Server) -> Self {
        Self { server: Arc::new(server), current: Arc::default() }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// All that we ask may be asked twice.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, RedisStoreError> {
        let Ok(tokio) = Handle::try_current() else {
            return Err(RedisStoreError("needs a tokio runtime, and none is current".into()));
        };
        let is_new = lock(&self.current).ready.is_none();
        match self.ask_once(&tokio, command).await {
            Err(_) if !is_new => self.ask_once(&tokio, command).await,
            outcome => outcome,
        }
    }

    async fn ask_once(&self, tokio: &Handle, command: &Cmd) -> Result<Value, RedisStoreError> {
        let (number, ready) = self.ready(tokio);
        // Whoever is dropped while it connects leaves it to the next.
        let connected = ready.await;
        let mut suspect = Suspect { current: &self.current, number: Some(number) };
        let answer = connected?.commands.req_packed_command(command).await;
        let answer =
            answer.and_then(Value::extract_error).map_err(|e| RedisStoreError::redis(&e))?;
        suspect.number = None;
        Ok(answer)
    }

    fn ready(&self, tokio: &Handle) -> (u64, Ready) {
        let mut current = lock(&self.current);
        if let Some(ready) = &current.ready
            && !current.is_stuck()
        {
            return (current.number, ready.clone());
        }
        current.number += 1;
        current.connecting = Some(DefaultRuntime::new().now());
        let number = current.number;
        let (server, shared) = (Arc::clone(&self.server), Arc::clone(&self.current));
        let connecting = tokio.spawn(async move {
            let connected = connect(&server).await;
            let mut current = lock(&shared);
            if current.number == number {
                current.connecting = None;
            }
            drop(current);
            if connected.is_err() {
                // Perhaps nobody waits for it any more: the next to come is to try again, not to be told of this.
                drop(Suspect { current: &shared, number: Some(number) });
            }
            connected
        });
        let gone =
            |_| RedisStoreError("could not connect: its tokio runtime ended, or has no I/O".into());
        let ready = connecting
            .map(move |joined| joined.map_err(gone).and_then(|connected| connected))
            .boxed()
            .shared();
        current.ready = Some(ready.clone());
        (number, ready)
    }
}

async fn connect(server: &Server) -> Result<Connection, RedisStoreError> {
    let late = DefaultRuntime::new().sleep(CONNECT_TIMEOUT);
    match select(pin!(server.connect()), late).await {
        Either::Left((connected, _)) => connected,
        Either::Right(((), _)) => {
            Err(RedisStoreError(format!("could not connect within {CONNECT_TIMEOUT:?}")))
        }
    }
}

/// A connection that is not used again, unless it answers: one that a caller gave up on may be dead without a sign.
struct Suspect<'a> {
    current: &'a Mutex<Current>,
    number: Option<u64>,
}

impl Drop for Suspect<'_> {
    fn drop(&mut self) {
        let mut current = lock(self.current);
        if self.number == Some(current.number) {
            current.ready = None;
        }
    }
}

fn lock(current: &Mutex<Current>) -> MutexGuard<'_, Current> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is wrong with Redis, in words that hold no secret.
#[derive(Debug, Clone)]
pub(super) struct RedisStoreError(String);

impl RedisStoreError {
    pub(super) fn io(error: &io::Error) -> Self {
        Self(format!("could not connect: {error}"))
    }

    pub(super) fn unexpected() -> Self {
        Self("answered what the command cannot".into())
    }

    /// In our words: those of the server may quote the command and name the user.
    pub(super) fn redis(error: &RedisError) -> Self {
        if error.is_io_error() {
            return Self(format!("lost the connection: {error}"));
        }
        let Some(code) = error.code() else {
            return Self(format!("failed: {}", error.category()));
        };
        let remedy = match code {
            "NOAUTH" | "WRONGPASS" => ": check the user and the password of the URL",
            "NOPERM" => {
                ": give its user the rights that the documentation of RedisTokenStore lists"
            }
            "OOM" => ": its memory is full, and it may not evict",
            "READONLY" => ": it is a replica; give the URL of the primary",
            "MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT" => {
                ": it is a cluster, which is not supported"
            }
            _ => "",
        };
        Self(format!("answered {code}{remedy}"))
    }
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis {}", self.0)
    }
}

impl std::error::Error for RedisStoreError {}
