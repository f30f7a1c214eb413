//! Data as servers encode it.

use std::future::poll_fn;
use std::pin::Pin;

use async_compression::Level;
use async_compression::futures::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use futures_io::AsyncRead;
use futures_util::FutureExt;

/// A format that a server may send; "deflate" comes in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Zstd,
    Brotli,
    Gzip,
    Zlib,
    RawDeflate,
}

impl Coding {
    pub(super) const ALL: [Self; 5] =
        [Self::Zstd, Self::Brotli, Self::Gzip, Self::Zlib, Self::RawDeflate];

    /// Those whose features are on.
    pub(super) fn enabled() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|coding| coding.is_enabled())
    }

    pub(super) const fn is_enabled(self) -> bool {
        match self {
            Self::Zstd => cfg!(feature = "zstd"),
            Self::Brotli => cfg!(feature = "brotli"),
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Zlib | Self::RawDeflate => cfg!(feature = "deflate"),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zlib | Self::RawDeflate => "deflate",
        }
    }

    pub(super) fn encode(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Zstd => read(ZstdEncoder::new(data)),
            Self::Brotli => read(BrotliEncoder::with_quality(data, Level::Fastest)),
            Self::Gzip => read(GzipEncoder::new(data)),
            Self::Zlib => read(ZlibEncoder::new(data)),
            Self::RawDeflate => read(DeflateEncoder::new(data)),
        }
    }
}

fn read(mut encoder: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let piece = poll_fn(|cx| Pin::new(&mut encoder).poll_read(cx, &mut buffer));
        match piece.now_or_never().expect("memory does not wait").expect("memory does not fail") {
            0 => return all,
            length => all.extend_from_slice(&buffer[..length]),
        }
    }
}
