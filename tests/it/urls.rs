//! Urls.
