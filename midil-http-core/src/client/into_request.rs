//! [`IntoRequest`]: whatever becomes a request of a batch, or the first of some pages.

use super::{HttpClient, RequestBuilder};
use crate::{Error, Request};

/// What [`HttpClient::batch`] and [`HttpClient::paginate`] take: a [`Request`], a [`RequestBuilder`], or a `Result` of either.
///
/// A builder is sent by the client that began it, with its URL, timeouts and credentials; the error that it may hold is what
/// its call comes to. It is implemented here alone.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, IntoRequest, Request};
///
/// async fn statuses<R: IntoRequest + Send>(client: &HttpClient, requests: Vec<R>) -> Vec<u16> {
///     let results = client.batch(requests).await;
///     results.into_iter().map(|result| result.map_or(0, |response| response.status().as_u16())).collect()
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// assert_eq!(statuses(&client, vec![client.get("/1"), client.get("/2")]).await, [200, 200]);
/// assert_eq!(statuses(&client, vec![Request::get("https://api.example.com/3")]).await, [200]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub trait IntoRequest: sealed::Sealed {
    /// The call that `client` is to make.
    #[doc(hidden)]
    fn into_builder(self, client: &HttpClient) -> RequestBuilder;
}

impl IntoRequest for RequestBuilder {
    fn into_builder(self, _: &HttpClient) -> RequestBuilder {
        self
    }
}

impl IntoRequest for Request {
    fn into_builder(self, client: &HttpClient) -> RequestBuilder {
        let permitted = client.0.permit(self.url());
        RequestBuilder::new(client.clone(), permitted.map(|()| self).map_err(Error::from))
    }
}

impl<R: IntoRequest, E: Into<Error>> IntoRequest for Result<R, E> {
    fn into_builder(self, client: &HttpClient) -> RequestBuilder {
        match self {
            Ok(request) => request.into_builder(client),
            Err(error) => RequestBuilder::new(client.clone(), Err(error.into())),
        }
    }
}

mod sealed {
    use crate::{Request, RequestBuilder};

    #[allow(unnameable_types, reason = "it seals a trait")]
    pub trait Sealed {}

    impl Sealed for Request {}
    impl Sealed for RequestBuilder {}
    impl<R: Sealed, E> Sealed for Result<R, E> {}
}
