//! The path of a request: one slot per file, one direction, fixed order.
//!
//! ```text
//! span → call middleware → total timeout → decompression → redirects ↺ → retry ↺ → attempt middleware
//!      → cookies → auth → timeout → attempt event → Transport
//! ```

mod attempt_event;
mod auth;
mod call;
mod cookies;
mod decompression;
mod observed;
mod redirects;
mod resumption;
mod retry;
mod span;
mod timeout;
mod total_timeout;

pub(crate) use call::CallScope;
pub(crate) use decompression::accepted;
pub(crate) use observed::ObservedCall;
pub use redirects::Redirect;
pub(crate) use redirects::{LeftOrigin, strip_secrets};
pub(crate) use resumption::check as check_resumable;
pub(crate) use retry::AttemptScope;
