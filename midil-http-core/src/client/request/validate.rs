//! What a call takes for a good response.

use super::RequestBuilder;
use crate::middleware::CallValidations;
use crate::{BoxError, Validation};

impl RequestBuilder {
    /// Makes an error of the caller's own of responses that `judge` refuses, after what the client itself
    /// [validates](crate::HttpClientBuilder::validate), and before [`raise_for_status`](Self::raise_for_status).
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let call = client.get("/report").validate(|head| match head.headers.get("content-type") {
    ///     Some(kind) if kind == "text/csv" => Ok(()),
    ///     _ => Err("this is no report: ask its team"),
    /// });
    /// assert_eq!(call.send().await.unwrap_err().to_string(), "this is no report: ask its team");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn validate<F, E>(self, judge: F) -> Self
    where
        F: Fn(&http::response::Parts) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.validate_by(Validation::new(judge))
    }

    /// The same by a [`Validation`], which may judge bodies, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request, Validation};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("<html>"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let no_html = Validation::of_body(64, |_| true, |_, start: &[u8]| match start.starts_with(b"<") {
    ///     true => Err("this is a page for people: check the URL"),
    ///     false => Ok(()),
    /// });
    /// let error = client.get("/report").validate_by(no_html).send().await.unwrap_err();
    /// assert_eq!(error.to_string(), "this is a page for people: check the URL");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn validate_by(self, validation: Validation) -> Self {
        self.change(|request| {
            let mut all: CallValidations = request.extensions_mut().remove().unwrap_or_default();
            all.add(validation);
            request.extensions_mut().insert(all);
            Ok(())
        })
    }
}
