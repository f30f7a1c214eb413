//! The body of a request, and what it says of itself.

use std::sync::Arc;

use http::{HeaderValue, header};
use serde::Serialize;

use super::{RequestBuilder, too_many_headers};
#[cfg(feature = "multipart")]
use crate::header_input::header_pair;
use crate::{Body, BuildError, Progress, Request};

impl RequestBuilder {
    /// Sets the body. A body that does not say what it is goes out as `application/json`: set `Content-Type` if not.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.change(|request| {
            *request.body_mut() = body.into();
            Ok(())
        })
    }

    /// Sets a JSON body, and `Content-Type: application/json` unless the request has one.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.change(|request| {
            let text = serde_json::to_vec(json).map_err(|error| {
                BuildError::new("the JSON body", "cannot be written: see the cause")
                    .with_source(error)
            })?;
            *request.body_mut() = text.into();
            default_content_type(request, "application/json")
        })
    }

    /// Sets a form as the body, and `Content-Type: application/x-www-form-urlencoded` unless the request has one.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.change(|request| {
            let text = serde_html_form::to_string(form).map_err(|error| {
                BuildError::new(
                    "the form",
                    "cannot be written as pairs of key and value: give a map, a struct or pairs",
                )
                .with_source(error)
            })?;
            *request.body_mut() = text.into();
            default_content_type(request, "application/x-www-form-urlencoded")
        })
    }

    /// Sets a form of several parts as the body, and `Content-Type: multipart/form-data` with its boundary, in place of any.
    ///
    /// # Examples
    ///
    /// See [`Form`](crate::Form).
    #[cfg(feature = "multipart")]
    pub fn multipart(self, form: crate::Form) -> Self {
        self.change(|request| {
            let content_type = form.content_type();
            *request.body_mut() = form.encode()?;
            let (name, value) = header_pair(header::CONTENT_TYPE, content_type)?;
            request.headers_mut().try_insert(name, value).map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Tells `observer` of each piece of the body that the transport takes, on each attempt anew: see
    /// [`Body::on_progress`].
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Progress, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |request: Request| async move { Ok(http::Response::new(request.into_body())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let upload = client.put("/backup").body(vec![7; 200_000]).on_upload_progress(|progress: Progress| {
    ///     println!("{} of {:?} bytes", progress.transferred(), progress.total());
    /// });
    /// # assert_eq!(upload.send().await?.bytes().await?.len(), 200_000);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn on_upload_progress(
        mut self,
        observer: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Self {
        self.upload_observer = Some(Arc::new(observer));
        self
    }

    /// Lets the observer see the body, whichever of the two was set first.
    pub(super) fn observe(&mut self) {
        if let Some(observer) = self.upload_observer.take()
            && let Ok(request) = &mut self.request
        {
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = body.observed(observer);
        }
    }
}

fn default_content_type(request: &mut Request, value: &'static str) -> Result<(), BuildError> {
    if request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(());
    }
    let value = HeaderValue::from_static(value);
    request
        .headers_mut()
        .try_insert(header::CONTENT_TYPE, value)
        .map(drop)
        .map_err(|_| too_many_headers())
}
