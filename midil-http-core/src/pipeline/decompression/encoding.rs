//! [`Encoding`]: the content codings that are known.

#[cfg(feature = "brotli")]
use async_compression::futures::bufread::BrotliDecoder;
#[cfg(feature = "gzip")]
use async_compression::futures::bufread::GzipDecoder;
#[cfg(feature = "zstd")]
use async_compression::futures::bufread::ZstdDecoder;
#[cfg(feature = "deflate")]
use async_compression::futures::bufread::{DeflateDecoder, ZlibDecoder};
use futures_io::AsyncRead;
use http::HeaderValue;

use super::source::Source;

/// A content coding ([RFC 9110, section 8.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1)).
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoding {
    #[cfg(feature = "zstd")]
    Zstd,
    #[cfg(feature = "brotli")]
    Brotli,
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "deflate")]
    Deflate,
}

/// The largest window of zstd, as a power of two: 8 MiB, what RFC 9659 lets a server use.
#[cfg(feature = "zstd")]
const ZSTD_WINDOW: u32 = 23;

impl Encoding {
    /// All that are known: the one that is decoded at the least cost first, for servers that take the first.
    const ALL: &'static [Self] = &[
        #[cfg(feature = "zstd")]
        Self::Zstd,
        #[cfg(feature = "brotli")]
        Self::Brotli,
        #[cfg(feature = "gzip")]
        Self::Gzip,
        #[cfg(feature = "deflate")]
        Self::Deflate,
    ];

    /// The name by which it is announced.
    pub(super) const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
            #[cfg(feature = "brotli")]
            Self::Brotli => "br",
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
            #[cfg(feature = "deflate")]
            Self::Deflate => "deflate",
        }
    }

    /// All names, as a header has them.
    pub(super) fn all_names() -> Option<HeaderValue> {
        let names: Vec<_> = Self::ALL.iter().map(|encoding| encoding.name()).collect();
        HeaderValue::try_from(names.join(", ")).ok()
    }

    /// The encoding of that name, in whatever case; `x-gzip` is another name of gzip.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let plain = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        Self::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(plain))
    }

    /// Begins to decode `source`, whose data begins with `first`; an error says why there is no decoding it.
    pub(super) fn open(self, source: Source, first: u8) -> Result<Box<dyn Decoder>, &'static str> {
        let _ = first; // the other encodings need no look at their data
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let window = async_compression::zstd::DParameter::window_log_max(ZSTD_WINDOW);
                let mut decoder = ZstdDecoder::with_params(source, &[window]);
                decoder.multiple_members(true);
                Ok(Box::new(decoder))
            }
            // The decoder would take "large windows" of up to 1 GiB, which are no part of RFC 7932, section 9.1: there, the
            // bits that announce them are reserved.
            #[cfg(feature = "brotli")]
            Self::Brotli if first & 0x7f == 0x11 => Err("it wants a window of more than 16 MiB"),
            #[cfg(feature = "brotli")]
            Self::Brotli => Ok(Box::new(BrotliDecoder::new(source))),
            #[cfg(feature = "gzip")]
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(source);
                decoder.multiple_members(true);
                Ok(Box::new(decoder))
            }
            // By the RFC, "deflate" is the zlib format; some servers send raw DEFLATE. The first byte tells: what zlib
            // begins with would be, in raw DEFLATE, a stored block with bits where encoders write zeros.
            #[cfg(feature = "deflate")]
            Self::Deflate if first & 0x0f == 8 && first >> 4 <= 7 => {
                Ok(Box::new(ZlibDecoder::new(source)))
            }
            #[cfg(feature = "deflate")]
            Self::Deflate => Ok(Box::new(DeflateDecoder::new(source))),
        }
    }
}

/// A decoder at work.
pub(super) trait Decoder: AsyncRead + Send + Unpin {
    /// What it reads from.
    fn source(&mut self) -> &mut Source;
}

macro_rules! decoders {
    ($($feature:literal: $decoder:ident),* $(,)?) => {$(
        #[cfg(feature = $feature)]
        impl Decoder for $decoder<Source> {
            fn source(&mut self) -> &mut Source {
                self.get_mut()
            }
        }
    )*};
}

decoders! {
    "zstd": ZstdDecoder,
    "brotli": BrotliDecoder,
    "gzip": GzipDecoder,
    "deflate": ZlibDecoder,
    "deflate": DeflateDecoder,
}
