//! [`Home`]: the runtime that a call is made in.

#[cfg(feature = "tokio")]
use tokio::runtime::Handle;

/// Where the caller's stream is at home. A transport may read it on a thread of its own, on which tokio's files
/// and timers would panic.
pub(super) struct Home(#[cfg(feature = "tokio")] Option<Handle>);

impl Home {
    /// Where we are now: tokio, or nowhere in particular.
    pub(super) fn here() -> Self {
        Self(
            #[cfg(feature = "tokio")]
            Handle::try_current().ok(),
        )
    }

    /// Does `action` at home, if no runtime is current.
    pub(super) fn enter<T>(&self, action: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tokio")]
        let _entered =
            self.0.as_ref().filter(|_| Handle::try_current().is_err()).map(Handle::enter);
        action()
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[test]
    fn what_needs_tokio_finds_it_on_any_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let home = runtime.block_on(async { Home::here() });
        let found = || Handle::try_current().map(|handle| handle.id()).ok();
        std::thread::scope(|scope| {
            let elsewhere = scope.spawn(|| (home.enter(found), found())).join().unwrap();
            assert_eq!(elsewhere, (Some(runtime.handle().id()), None));
        });
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(other.block_on(async { home.enter(found) }), Some(other.handle().id()));
        assert_eq!(Home::here().enter(found), None);
    }
}
