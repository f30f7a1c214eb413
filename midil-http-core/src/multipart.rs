//! Multipart forms: [`Form`] and its [`Part`]s.
//!
//! What is written is the "multipart/form-data encoding algorithm" of the [HTML Standard], over [RFC 7578] and the framing of
//! [RFC 2046, section 5.1]. One point differs on purpose: browsers make every line break of a text field CRLF; here what is
//! given is what is sent, for it may be signed.
//!
//! [HTML Standard]: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
//! [RFC 7578]: https://www.rfc-editor.org/rfc/rfc7578
//! [RFC 2046, section 5.1]: https://www.rfc-editor.org/rfc/rfc2046#section-5.1

mod boundary;
mod disposition;
mod form;
mod part;

#[cfg(test)]
mod tests;

pub use form::Form;
pub use part::Part;
