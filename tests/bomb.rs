//! A body that decodes to a thousand times its size takes no more memory than any other.
//!
//! A program of its own, for it measures the whole process.
#![cfg(all(target_os = "linux", feature = "reqwest"))]

mod measure;

use std::future::poll_fn;
use std::pin::Pin;

use async_compression::Level;
use async_compression::futures::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use futures_io::AsyncRead;
use midil_http::Error;
use midil_http_test::fault_server::{FaultServer, Reply};

use measure::{MIB, memory, reset_peak};

async fn read(mut encoder: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match poll_fn(|cx| Pin::new(&mut encoder).poll_read(cx, &mut buffer)).await {
            Ok(0) => return all,
            Ok(length) => all.extend_from_slice(&buffer[..length]),
            Err(error) => panic!("memory does not fail: {error}"),
        }
    }
}

/// So many bytes of zeros, encoded; gzip and zstd by members and frames of 16 MiB, which are quicker to make.
async fn bomb(encoding: &str, size: u64) -> Vec<u8> {
    let zeros = |size: u64| vec![0; usize::try_from(size).expect("this fits into memory")];
    let times = usize::try_from(size / (16 * MIB)).expect("this fits into memory");
    match encoding {
        "gzip" => read(GzipEncoder::new(&zeros(16 * MIB)[..])).await.repeat(times),
        "zstd" => read(ZstdEncoder::new(&zeros(16 * MIB)[..])).await.repeat(times),
        "br" => read(BrotliEncoder::with_quality(&zeros(size)[..], Level::Fastest)).await,
        _ => read(ZlibEncoder::new(&zeros(size)[..])).await,
    }
}

#[tokio::test]
async fn a_bomb_takes_no_memory() {
    let enabled = [
        ("gzip", 256 * MIB, cfg!(feature = "gzip")),
        ("zstd", 256 * MIB, cfg!(feature = "zstd")),
        ("br", 64 * MIB, cfg!(feature = "brotli")),
        ("deflate", 64 * MIB, cfg!(feature = "deflate")),
    ];
    for (encoding, size, _) in enabled.into_iter().filter(|(_, _, enabled)| *enabled) {
        let bomb = bomb(encoding, size).await;
        assert!(bomb.len() < 272 * 1024, "{encoding}: {} bytes", bomb.len());
        let server = FaultServer::always(Reply::ok(bomb).header("content-encoding", encoding));
        let client = midil_http::client(server.url()).unwrap();
        let client = client.max_response_bytes(32 * MIB).build().unwrap();
        // Whatever is made once is made.
        client.get("/").send().await.unwrap().chunk().await.unwrap();

        reset_peak();
        let before = memory("VmRSS");
        let outcome = client.get("/").send().await.unwrap().bytes().await;
        let Err(Error::Limit(limit)) = outcome else { panic!("{encoding}: {outcome:?}") };
        assert_eq!(limit.setting(), "max_response_bytes");
        let grown = memory("VmHWM").saturating_sub(before);
        // What is read, and half as much while the buffer for it grows.
        assert!(grown < (48 + 8) * MIB, "{encoding}, read: {} KiB", grown / 1024);

        reset_peak();
        let before = memory("VmRSS");
        let mut response = client.get("/").send().await.unwrap();
        let mut received = 0;
        while let Some(piece) = response.chunk().await.unwrap() {
            received += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        }
        assert_eq!(received, size);
        let grown = memory("VmHWM").saturating_sub(before);
        assert!(grown < 16 * MIB, "{encoding}, streamed: {} KiB", grown / 1024);
    }
}
