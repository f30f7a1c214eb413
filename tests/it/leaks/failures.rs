//! Every way a call, a token fetch or a build can fail: `Debug`, message, and all causes, searched.

mod builds;
mod calls;
#[cfg(feature = "redis")]
mod stores;
mod tokens;
mod wire;

use std::error::Error as StdError;

use midil_http::Error;

use super::assert_nothing;
use super::secrets::leaks;

/// What was done, and what it came to.
pub(super) type Failure = (String, Error);

/// All of them, but those that take sockets.
pub(super) fn without_sockets() -> Vec<Failure> {
    [builds::all(), calls::all(), tokens::all()].into_iter().flatten().collect()
}

#[cfg(feature = "redis")]
pub(super) use stores::all as with_a_store;
pub(super) use wire::all as over_sockets;

/// All that can be read of an error.
fn texts(error: &Error) -> Vec<String> {
    let mut texts = vec![format!("{error:#?}")];
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(error) = next {
        texts.extend([error.to_string(), format!("{error:?}")]);
        next = error.source();
    }
    texts
}

fn search(failures: &[Failure]) -> Vec<String> {
    let found = failures
        .iter()
        .flat_map(|(what, error)| texts(error).into_iter().find_map(|text| leaks(what, &text)));
    found.collect()
}

#[test]
fn no_error_shows_a_secret() {
    let failures = without_sockets();
    assert!(failures.len() > 100, "{}", failures.len());
    assert_nothing(&search(&failures));
}

#[test]
fn no_error_of_a_real_connection_shows_a_secret() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let failures = runtime.block_on(over_sockets());
    assert!(failures.len() > 10, "{}", failures.len());
    assert_nothing(&search(&failures));
}

#[cfg(feature = "redis")]
#[test]
fn no_error_of_a_store_shows_a_secret() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let failures = runtime.block_on(with_a_store());
    assert!(failures.len() > 10, "{}", failures.len());
    assert_nothing(&search(&failures));
}

/// The search reads every level of an error.
#[test]
fn a_leak_at_any_level_is_found() {
    use midil_http::{Sent, TransportError, TransportErrorKind};
    let error = |message: &str, source: &str| {
        let error = TransportError::new(TransportErrorKind::Other, Sent::Maybe, message);
        Error::from(error.with_source(source))
    };
    let (clean, secret) = ("it failed", super::secrets::TOKEN);
    assert!(search(&[("clean".to_owned(), error(clean, clean))]).is_empty());
    for leaking in [error(secret, clean), error(clean, secret)] {
        assert_eq!(search(&[("planted".to_owned(), leaking)]).len(), 1);
    }
}
