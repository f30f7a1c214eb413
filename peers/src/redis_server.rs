//! [`RedisServer`]: a real Redis.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;

/// A running Redis that keeps nothing on disk. It ends with this value.
pub struct RedisServer {
    process: Child,
    port: u16,
}

impl RedisServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    ///
    /// When it cannot be started, with the remedy.
    #[must_use]
    pub fn start() -> Self {
        // Redis cannot ask the system for a port. Another process may be quicker to take the one that we are given.
        for _ in 0..20 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = free.local_addr().expect("an address").port();
            drop(free);
            if let Some(process) = Self::start_on(port) {
                return Self { process, port };
            }
        }
        panic!("redis-server does not start on any port: run it by hand to see why");
    }

    fn start_on(port: u16) -> Option<Child> {
        let mut process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string()])
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server starts: install it, or run scripts/test.sh");
        let output = process.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        if lines.any(|line| line.contains("eady to accept connections")) {
            // A pipe that nobody reads would stop it one day.
            drop(thread::spawn(move || lines.for_each(drop)));
            return Some(process);
        }
        drop(process.wait());
        None
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash does; what it held is gone.
    ///
    /// # Panics
    ///
    /// When the system does not let us.
    pub fn kill(&mut self) {
        self.process.kill().expect("it is ours to kill");
        self.process.wait().expect("it was started by us");
    }

    /// Starts it again after [`kill`](Self::kill), where it was.
    ///
    /// # Panics
    ///
    /// When somebody else has taken its port.
    pub fn restart(&mut self) {
        self.process = Self::start_on(self.port).expect("the port is still free");
    }

    /// Has it hang, connections and all.
    ///
    /// # Panics
    ///
    /// When the system does not let us.
    pub fn suspend(&self) {
        self.signal("STOP");
    }

    /// Has it go on after [`suspend`](Self::suspend).
    ///
    /// # Panics
    ///
    /// When the system does not let us.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// All keys and what they hold, as text.
    ///
    /// # Panics
    ///
    /// When redis-cli, which comes with the server, cannot be run.
    #[must_use]
    pub fn dump(&self) -> String {
        let ask = |arguments: &[&str]| {
            let port = self.port.to_string();
            let output = Command::new("redis-cli").args(["-p", &port]).args(arguments).output();
            String::from_utf8_lossy(&output.expect("redis-cli runs").stdout).into_owned()
        };
        let keys = ask(&["KEYS", "*"]);
        let values = keys.lines().map(|key| format!("{key}: {}", ask(&["GET", key])));
        values.collect()
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.process.id().to_string())
            .status()
            .expect("kill runs");
        assert!(kill.success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer").field("port", &self.port).finish_non_exhaustive()
    }
}
