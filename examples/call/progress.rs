//! Progress on standard error, where that is a terminal: of several calls, or of the one call's transfers.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use midil_http::Progress;

/// What takes less is over before anybody has read a bar.
const SHORT: Duration = Duration::from_millis(500);

const KNOWN: &str = "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const UNKNOWN: &str = "{msg} {spinner} {bytes} {bytes_per_sec}";

/// The one bar that is drawn.
pub(crate) enum Display {
    Nothing,
    Calls(ProgressBar),
    Transfers(ProgressBar),
}

impl Display {
    /// For so many calls.
    pub(crate) fn new(calls: u32) -> Self {
        match (std::io::stderr().is_terminal(), calls) {
            (false, _) => Self::Nothing,
            (true, 1) => Self::Transfers(ProgressBar::hidden()),
            (true, calls) => Self::Calls(ProgressBar::new(calls.into())),
        }
    }

    /// Who is to be told of a transfer that begins now, if anybody is.
    pub(crate) fn transfer(
        &self,
        what: &'static str,
    ) -> Option<impl Fn(Progress) + Send + Sync + use<>> {
        let Self::Transfers(bar) = self else { return None };
        let (bar, started) = (bar.clone(), Instant::now());
        Some(move |progress: Progress| {
            if bar.message() != what {
                bar.reset();
                bar.set_message(what);
                bar.set_style(style(progress.total()));
            }
            // Counted from the start, shown later: the rate is to be true.
            if let Some(total) = progress.total() {
                bar.set_length(total);
            }
            bar.set_position(progress.transferred());
            if bar.is_hidden() && started.elapsed() >= SHORT {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        })
    }

    pub(crate) fn call_is_done(&self) {
        if let Self::Calls(bar) = self {
            bar.inc(1);
        }
    }

    /// Does something that writes to the terminal.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::Nothing => write(),
            Self::Calls(bar) | Self::Transfers(bar) => bar.suspend(write),
        }
    }

    pub(crate) fn clear(&self) {
        if let Self::Calls(bar) | Self::Transfers(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = if total.is_some() { KNOWN } else { UNKNOWN };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
