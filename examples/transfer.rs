//! A file goes up and comes down again, with a progress bar each way; neither is ever held in memory.
//!
//! ```text
//! cargo run --example transfer
//! ```
//!
//! The server is busy at first: the upload begins anew, from the disk, and so does its bar. Without a terminal there are no
//! bars, and what they would have shown is told in words.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressStyle};
use midil_http::{Body, Progress};
use midil_http_test::fault_server::{FaultServer, Received, Reply};

/// 8 MiB.
const LENGTH: u64 = 8 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = Folder::new()?;
    let (original, copy) = (folder.0.join("original"), folder.0.join("copy"));
    let content: Vec<u8> = (0..=250).cycle().take(usize::try_from(LENGTH)?).collect();
    std::fs::write(&original, &content)?;

    let server = storage();
    let http = midil_http::client(server.url())?.build()?;

    let up = Meter::new("up  ");
    let body = Body::file(&original).await?;
    let response = http.put("/files/1").body(body).on_upload_progress(up.observer()).send().await?;
    let attempts = response.attempts();
    println!("up:   {} after {attempts} attempts; {}", response.status(), up.told());
    response.error_for_status().await?;

    let down = Meter::new("down");
    let response = http.get("/files/1").send().await?.error_for_status().await?;
    let length = response.on_progress(down.observer()).save(&copy).await?;
    println!("down: {length} bytes in a file; {}", down.told());

    for (claim, holds) in [
        ("the upload was made twice", attempts == 2 && server.request_count() == 3),
        ("each attempt sent all of the file", arrived(&server, "PUT") == [LENGTH; 2]),
        ("the upload's bar went to its end twice", up.runs() == [LENGTH; 2]),
        ("the download's bar went to its end once", down.runs() == [LENGTH]),
        ("the copy is the original", length == LENGTH && std::fs::read(&copy)? == content),
        ("nothing else is left in the folder", std::fs::read_dir(&folder.0)?.count() == 2),
    ] {
        if !holds {
            return Err(format!("this should hold, and did not: {claim}").into());
        }
    }
    Ok(())
}

/// Keeps what is put, and gives it back; busy when it is first asked.
fn storage() -> FaultServer {
    let kept = Mutex::new(None);
    FaultServer::respond_with(move |request: &Received| {
        let mut kept = kept.lock().expect("nobody panics");
        match (request.method(), kept.take()) {
            ("PUT", None) => {
                *kept = Some(Vec::new());
                Reply::status(503)
            }
            ("PUT", Some(_)) => {
                *kept = Some(request.body().to_vec());
                Reply::status(201)
            }
            (_, content) => content.map_or_else(|| Reply::status(404), Reply::ok),
        }
    })
}

/// How many bytes came with each request of this method.
fn arrived(server: &FaultServer, method: &str) -> Vec<u64> {
    let requests = server.requests();
    let of_method = requests.iter().filter(|request| request.method() == method);
    of_method.map(Received::body_bytes_received).collect()
}

/// A progress bar that remembers.
struct Meter {
    bar: ProgressBar,
    /// How far each attempt came.
    runs: Arc<Mutex<Vec<u64>>>,
}

impl Meter {
    /// The bar is drawn on terminals alone.
    fn new(what: &'static str) -> Self {
        let style = ProgressStyle::with_template("{msg} [{wide_bar}] {bytes}/{total_bytes}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style).with_message(what);
        Self { bar, runs: Arc::default() }
    }

    /// Called for each piece, wherever it is sent or read: it must be quick.
    fn observer(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let (bar, runs) = (self.bar.clone(), Arc::clone(&self.runs));
        move |progress| {
            if let Some(total) = progress.total() {
                bar.set_length(total);
            }
            bar.set_position(progress.transferred());
            let mut runs = runs.lock().expect("nobody panics");
            match runs.last_mut().filter(|last| **last < progress.transferred()) {
                Some(last) => *last = progress.transferred(),
                None => runs.push(progress.transferred()),
            }
        }
    }

    fn runs(&self) -> Vec<u64> {
        self.runs.lock().expect("nobody panics").clone()
    }

    fn told(&self) -> String {
        self.bar.finish_and_clear();
        let percent = |bytes: &u64| format!("to {} %", bytes * 100 / LENGTH);
        let runs: Vec<_> = self.runs().iter().map(percent).collect();
        format!("the bar went {}", runs.join(", then anew "))
    }
}

/// A folder that is gone with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("midil-transfer-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
