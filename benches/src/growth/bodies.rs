//! Bytes of a body.

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use midil_http_core::{Body, Error, HttpClient, Request};

use super::meter::Meter;
use super::{Cost, SAME, SLACK, Series};
use crate::BoxError;

/// A streamed body comes in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

pub(super) const READY_UP: Series = Series {
    title: "KiB of a request's body that is there",
    from: 0,
    // Handed over in slices of 64 KiB, none of which is a copy.
    each: Cost { instructions: 10, ..SAME },
    slack: Cost { allocations: 4, bytes: 800, instructions: 4_000 },
};

pub(super) const READY_DOWN: Series = Series {
    title: "KiB of a response's body that is there",
    // What is empty needs no timer.
    from: 1,
    each: SAME,
    slack: SLACK,
};

pub(super) const STREAMED_UP: Series = Series {
    title: "pieces of 64 KiB of a request's body that streams",
    from: 1,
    each: Cost { allocations: 0, bytes: 0, instructions: 700 },
    slack: SLACK,
};

pub(super) const STREAMED_DOWN: Series = Series {
    title: "pieces of 64 KiB of a response's body that streams",
    from: 1,
    each: Cost { allocations: 0, bytes: 0, instructions: 600 },
    slack: SLACK,
};

/// Calls that are counted.
const CALLS: u64 = 20;

/// KiB.
const SIZES: &[u64] = &[0, 1, 1024, 64 * 1024];

/// Of 64 KiB each: up to 64 MiB.
const PIECES: &[u64] = &[1, 16, 1024];

pub(super) async fn measure(meter: &mut Meter) -> Result<(), BoxError> {
    for &size in SIZES {
        let body = Bytes::from(vec![0; usize::try_from(size * 1024)?]);
        let client = HttpClient::builder(take).base_url("http://localhost/").build()?;
        let call = async || {
            client.post("/").body(body.clone()).send().await?;
            Ok(())
        };
        meter.measure(&READY_UP, (size, true), (CALLS, 1), call).await?;
    }
    for &size in SIZES {
        let body = Bytes::from(vec![0; usize::try_from(size * 1024)?]);
        let answer = move |_: Request| {
            let body = Body::from(body.clone());
            async { Ok(Response::new(body)) }
        };
        let client = HttpClient::builder(answer).base_url("http://localhost/").build()?;
        let call = async || {
            client.get("/").send().await?.bytes().await?;
            Ok(())
        };
        meter.measure(&READY_DOWN, (size, true), (CALLS, 1), call).await?;
    }
    for &count in PIECES {
        let client = HttpClient::builder(take).base_url("http://localhost/").build()?;
        let call = async || {
            client.post("/").body(pieces(count)).send().await?;
            Ok(())
        };
        meter.measure(&STREAMED_UP, (count, true), (CALLS, 1), call).await?;
    }
    for &count in PIECES {
        let answer = move |_: Request| async move { Ok(Response::new(pieces(count))) };
        let client = HttpClient::builder(answer).base_url("http://localhost/").build()?;
        let call = async || {
            let mut response = client.get("/").send().await?;
            while response.chunk().await?.is_some() {}
            Ok(())
        };
        meter.measure(&STREAMED_DOWN, (count, true), (CALLS, 1), call).await?;
    }
    Ok(())
}

fn pieces(count: u64) -> Body {
    static ZEROS: [u8; PIECE] = [0; PIECE];
    let piece = Bytes::from_static(&ZEROS);
    Body::stream(stream::iter((0..count).map(move |_| Ok::<_, Error>(piece.clone()))))
}

/// Takes the body of a request as a backend does: whole where it is bytes, else piece by piece.
async fn take(request: Request) -> Result<Response<Body>, Error> {
    let mut body = request.into_body();
    if body.as_bytes().is_none() {
        while body.chunk().await?.is_some() {}
    }
    Ok(Response::new(Body::empty()))
}
