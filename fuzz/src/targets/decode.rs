//! Encodings of bodies. A byte of what is tried, one of the encoding, one of where; then the data.
//!
//! | what | must come of it |
//! |---|---|
//! | the data is what came | the same in pieces as in one; never more than `max_response_bytes` |
//! | the data was encoded and cut | all of it, or an error |
//! | it was encoded, and something follows | an error |
//! | it was encoded, and a bit is another | the data, or an error, where there is a checksum |

use async_compression::futures::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use futures_util::{AsyncReadExt, stream};
use http::{HeaderValue, header};
use midil_http_core::{Body, Error, HttpClient, Request};

use super::input::{Input, now};

const NAMES: [&str; 8] =
    ["gzip", "br", "zstd", "deflate", "gzip, br", "zstd, zstd", "deflate, gzip, deflate", "x-gzip"];
/// The most that is read of a body here.
const LIMIT: u64 = 64 * 1024;

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let (what, encoding, place) = (input.byte(), usize::from(input.byte()), input.byte());
    let plain = input.0;
    let name = NAMES[encoding % NAMES.len()];
    if what % 4 == 0 {
        let whole = read(name, plain, plain.len());
        for size in [1, 7] {
            let pieces = read(name, plain, size);
            match (&whole, pieces) {
                (Ok(whole), Ok(pieces)) => assert_eq!(*whole, pieces, "{name} in pieces of {size}"),
                (Err(_), Err(_)) => {}
                (whole, pieces) => panic!("{name}: {whole:?}, but in pieces of {size} {pieces:?}"),
            }
        }
        return;
    }
    let (name, mut encoded) = match encoding % 4 {
        0 => ("gzip", all(GzipEncoder::new(plain))),
        1 => ("br", all(BrotliEncoder::new(plain))),
        2 => ("zstd", all(ZstdEncoder::new(plain))),
        _ => ("deflate", all(ZlibEncoder::new(plain))),
    };
    let at = encoded.len() * usize::from(place) / 255;
    match what % 4 {
        1 => {
            let found = read(name, &encoded[..at], 7);
            match found {
                Ok(found) if at == encoded.len() => assert_eq!(found, plain, "{name}"),
                Ok(found) if at == 0 => assert!(found.is_empty(), "{name}"),
                Ok(found) => panic!("{name}: cut at {at} of {}: {found:?}", encoded.len()),
                Err(error) => {
                    assert!(at < encoded.len(), "{name}: {error}");
                    assert!(matches!(error, Error::Decode(_)), "{name}: {error:?}");
                }
            }
        }
        2 => {
            encoded.push(place);
            let found = read(name, &encoded, encoded.len());
            assert!(matches!(found, Err(Error::Decode(_))), "{name}: {found:?}");
        }
        _ => {
            let at = at.min(encoded.len() - 1);
            encoded[at] ^= 1 << (what >> 2 & 7);
            if let Ok(found) = read(name, &encoded, encoded.len())
                && (name == "gzip" || name == "deflate")
            {
                assert_eq!(found, plain, "{name}: bit {} of byte {at}", what >> 2 & 7);
            }
        }
    }
}

fn all(mut encoder: impl futures_util::AsyncRead + Unpin) -> Vec<u8> {
    let mut encoded = Vec::new();
    now(encoder.read_to_end(&mut encoded)).unwrap();
    encoded
}

/// What a client reads of a body that comes in pieces of that size.
fn read(encoding: &'static str, body: &[u8], size: usize) -> Result<Vec<u8>, Error> {
    let body = body.to_vec();
    let transport = move |_: Request| {
        let pieces: Vec<_> = body.chunks(size.max(1)).map(<[u8]>::to_vec).collect();
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
        let mut response = http::Response::new(Body::stream(pieces));
        let encoding = HeaderValue::from_static(encoding);
        response.headers_mut().insert(header::CONTENT_ENCODING, encoding);
        async { Ok(response) }
    };
    let client = HttpClient::builder(transport).base_url("https://api.test");
    let client = client.max_response_bytes(LIMIT).build().unwrap();
    now(async {
        let read = client.get("/").send().await?.bytes().await;
        if let Ok(read) = &read {
            assert!(u64::try_from(read.len()).is_ok_and(|length| length <= LIMIT));
        }
        Ok(read?.to_vec())
    })
}
