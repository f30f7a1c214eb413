//! What passes through takes no memory: 1 GiB up and 1 GiB down, streamed, grow the process by under 16 MiB, on each backend.
//!
//! A program of its own, for it measures the whole process. The peer is a thread of it that keeps nothing.
#![cfg(all(target_os = "linux", feature = "reqwest"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use bytes::Bytes;
use futures_util::{AsyncReadExt, stream};
use midil_http::{Body, Error, HttpClient, RequestBuilder, ReqwestTransport, Transport};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// How much of its memory the process has in use, in bytes: now (`VmRSS`), or at most so far (`VmHWM`).
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("there is a /proc");
    let line = status.lines().find(|line| line.starts_with(what)).expect("the kernel tells");
    let kibibytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    kibibytes.expect("a number of kB") * 1024
}

/// Forgets what the process had in use before, where the kernel lets it; elsewhere more is counted than was needed.
fn reset_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// Answers each request with 1 GiB, or with how many bytes it had, whatever it takes; keeps nothing.
fn serve(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
    let mut writer = stream;
    loop {
        let (mut length, mut chunked, mut line) = (0, false, String::new());
        let mut get = false;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            get |= line.starts_with("get ");
            chunked |= line == "transfer-encoding: chunked";
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().map_err(io::Error::other)?;
            }
            if line.is_empty() {
                break;
            }
        }
        let received = if chunked { skip_chunks(&mut reader)? } else { skip(&mut reader, length)? };
        if get {
            write!(writer, "HTTP/1.1 200 OK\r\ncontent-length: {GIB}\r\n\r\n")?;
            let piece = vec![7; 256 * 1024];
            let mut left = GIB;
            while left > 0 {
                writer.write_all(&piece)?;
                left -= 256 * 1024;
            }
        } else {
            let text = received.to_string();
            let length = text.len();
            write!(writer, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{text}")?;
        }
    }
}

fn skip(reader: &mut impl Read, length: u64) -> io::Result<u64> {
    io::copy(&mut reader.take(length), &mut io::sink())
}

fn skip_chunks(reader: &mut impl BufRead) -> io::Result<u64> {
    let (mut received, mut line) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        received += skip(reader, length)?;
        skip(reader, 2)?;
        if length == 0 {
            return Ok(received);
        }
    }
}

/// The peer, for as long as the process lives.
fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system grants a port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(|| serve(stream));
        }
    });
    address
}

/// 1 GiB that takes no room on the disk.
struct Sparse(PathBuf);

impl Sparse {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("midil-memory-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create(&path).and_then(|file| file.set_len(GIB)).expect("files may have holes");
        Self(path)
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// What is sent arrives; a form is somewhat longer than what it carries.
async fn upload(request: RequestBuilder, framing: u64) -> Result<(), Error> {
    let received: u64 = request.send().await?.json().await?;
    assert!((GIB..=GIB + framing).contains(&received), "{received}");
    Ok(())
}

async fn download(client: &HttpClient) -> Result<(), Error> {
    let mut response = client.get("/").send().await?;
    let mut received = 0;
    while let Some(chunk) = response.chunk().await? {
        received += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
    }
    assert_eq!(received, GIB);
    Ok(())
}

async fn read(client: &HttpClient) -> Result<(), Error> {
    let mut reader = client.get("/").send().await?.reader();
    let (mut received, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        match reader.read(&mut buffer).await.map_err(Error::custom)? {
            0 => break,
            length => received += u64::try_from(length).unwrap_or(u64::MAX),
        }
    }
    assert_eq!(received, GIB);
    Ok(())
}

async fn save(client: &HttpClient, path: &Path) -> Result<(), Error> {
    let response = client.get("/").send().await?.on_progress(|progress| {
        assert_eq!(progress.total(), Some(GIB));
    });
    assert_eq!(response.save(path).await?, GIB);
    Ok(())
}

/// All ways up and down, on the backend that `transport` makes.
async fn a_gibibyte_each_way(backend: &str, transport: &(dyn Fn() -> Arc<dyn Transport> + Sync)) {
    let file = Sparse::new();
    let saved = Sparse::new();
    let base_url = format!("http://{}", start());
    let client = HttpClient::builder(transport()).base_url(base_url).build().unwrap();
    let pieces = || {
        let piece = Bytes::from(vec![7; 256 * 1024]);
        stream::iter((0..GIB / (256 * 1024)).map(move |_| Ok::<_, io::Error>(piece.clone())))
    };
    let put = |body: Body| upload(client.put("/").body(body), 0);
    // Whatever is made once is made.
    client.put("/").send().await.unwrap().bytes().await.unwrap();

    for way in [
        "a stream",
        "a stream of known length",
        "a factory",
        "a file",
        "a reader",
        "a form",
        "down",
        "read",
        "saved",
    ] {
        reset_peak();
        let before = memory("VmRSS");
        match way {
            "a stream" => put(Body::stream(pieces())).await,
            "a stream of known length" => put(Body::stream_with_length(pieces(), GIB)).await,
            "a factory" => put(Body::replayable(None, pieces)).await,
            "a file" => put(Body::file(&file.0).await.unwrap()).await,
            "a reader" => {
                let zeros = futures_util::io::repeat(0).take(GIB);
                put(Body::reader_with_length(zeros, GIB)).await
            }
            "a form" => form(&client, &file.0).await,
            "down" => download(&client).await,
            "read" => read(&client).await,
            _ => save(&client, &saved.0).await,
        }
        .unwrap();
        let grown = memory("VmHWM").saturating_sub(before);
        assert!(grown < 16 * MIB, "{backend}: {way}: {} KiB", grown / 1024);
    }
}

/// A file from the disk between two fields.
#[cfg(feature = "multipart")]
async fn form(client: &HttpClient, path: &Path) -> Result<(), Error> {
    let form = midil_http::Form::new().text("a", "b").file("f", path).await?.text("c", "d");
    upload(client.put("/").multipart(form), 1000).await
}

#[cfg(not(feature = "multipart"))]
async fn form(_: &HttpClient, _: &Path) -> Result<(), Error> {
    Ok(())
}

#[tokio::test]
async fn a_gibibyte_up_and_a_gibibyte_down_grow_memory_by_under_16_mib() {
    // One line for each backend; one after the other, for they share the process.
    a_gibibyte_each_way("reqwest", &|| Arc::new(ReqwestTransport::try_new().unwrap())).await;
}
