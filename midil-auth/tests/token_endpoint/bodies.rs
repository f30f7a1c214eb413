//! Bodies that are not what they should be.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use midil_http_core::{
    AuthErrorKind, AuthNProvider, Body, Error, Sent, TransportError, TransportErrorKind,
};
use midil_http_test::{ManualRuntime, Reply};

use super::Endpoint;

/// The first half of `text`, and no more.
pub(crate) fn broken(text: &'static str) -> Body {
    Body::replayable(None, move || {
        let cut = TransportError::new(TransportErrorKind::Closed, Sent::Maybe, "it broke off");
        let cut = Error::from(cut);
        stream::iter([Ok(&text[..text.len() / 2]), Err(cut)])
    })
}

/// The first half of a token, and then silence.
pub(crate) fn stalled() -> Body {
    Body::replayable(None, || stream::iter([Ok::<_, Infallible>("{")]).chain(stream::pending()))
}

/// A body without an end.
pub(crate) fn endless() -> Body {
    counted(None, &Arc::default())
}

/// A body that says itself that it is too long.
pub(crate) fn oversized() -> Body {
    counted(Some(10 << 30), &Arc::default())
}

/// Chunks of 16 KiB, and how many were taken.
fn counted(length: Option<u64>, taken: &Arc<AtomicUsize>) -> Body {
    let taken = Arc::clone(taken);
    Body::replayable(length, move || {
        let taken = Arc::clone(&taken);
        stream::repeat_with(move || {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(&[b' '; 16 << 10]))
        })
    })
}

#[test]
fn of_a_huge_body_no_more_is_read_than_a_token_can_have() {
    for (status, length, kind) in [
        (200, None, AuthErrorKind::Malformed),
        (200, Some(10 << 30), AuthErrorKind::Malformed),
        (401, None, AuthErrorKind::Rejected),
        (401, Some(10 << 30), AuthErrorKind::Rejected),
    ] {
        let taken = Arc::new(AtomicUsize::new(0));
        let runtime = ManualRuntime::new();
        let reply = Reply::status(status).body(counted(length, &taken));
        let endpoint = Endpoint::new(&runtime, [reply]);
        let credentials = endpoint.client().build().unwrap();
        let error = runtime.block_on(credentials.get_token()).unwrap_err();
        assert_eq!((error.kind(), endpoint.requests()), (kind, 1));
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken <= 17, "{taken} chunks of 16 KiB");
    }
}
