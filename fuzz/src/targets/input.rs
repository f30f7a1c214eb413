//! What targets share: taking an input apart, looking at errors, a future that has nothing to wait for.

use std::error::Error;

use futures_util::FutureExt;
use http::HeaderValue;

/// The bytes of an input that are not taken yet.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte; zero when there is none.
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// What comes before the next line feed, which is taken along.
    pub(super) fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\n").unwrap_or(rest);
        line
    }

    /// A line as a header's value, unless it has bytes that no header can have.
    pub(super) fn header(&mut self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.line()).ok()
    }

    /// As many bytes as the next one says, and as there are.
    pub(super) fn counted(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// The same as text.
    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.counted()).into_owned()
    }

    pub(super) const fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a future comes to that waits for nothing.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it waits for something, and there is nothing to wait for")
}

/// All that can be read off an error, down to its last cause.
pub(super) fn rendered(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error}\n{error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n{error}\n{error:?}"));
        cause = error.source();
    }
    text
}
