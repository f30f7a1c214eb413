//! What must hold whatever bytes come in: a file for each target, with an oracle of its own.
//!
//! A target panics when something does not hold. It takes any bytes; the seeds in `corpus/` show what they mean to it.

mod charset;
mod config;
mod cookies;
mod decode;
mod input;
mod link;
mod log;
mod multipart;
mod page;
mod pages;
mod redirect;
mod resume;
mod retry_after;
mod token;
mod url;
mod wire;

/// Checks one input.
pub(crate) type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder in `corpus/`.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("charset", charset::check),
    ("config", config::check),
    ("cookies", cookies::check),
    ("decode", decode::check),
    ("link", link::check),
    ("log", log::check),
    ("multipart", multipart::check),
    ("page", page::check),
    ("redirect", redirect::check),
    ("resume", resume::check),
    ("retry_after", retry_after::check),
    ("token", token::check),
    ("url", url::check),
    ("wire", wire::check),
];
