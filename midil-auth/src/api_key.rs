//! [`ApiKey`]: a key in a header of its own.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, BuildError, Error, RequestHead, Secret,
};

use crate::static_token::check_credential;

/// A key that never changes, in any header: `x-api-key: …`, or `Authorization: ApiKey …`.
///
/// The value is sent as it is given, marked sensitive. A 401 is returned as it is: there is no other key to try. The
/// header is made once; a request costs a reference count. `Debug` shows the header's name alone.
///
/// [`get_token`](AuthNProvider::get_token) gives the value as a token of type `ApiKey`.
///
/// # Examples
///
/// ```
/// use midil_auth::ApiKey;
/// use midil_http_core::{HttpClient, Request};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let transport = |request: Request| async move {
///     assert_eq!(request.headers()["x-api-key"], "hunter2");
///     Ok(http::Response::default())
/// };
/// let key = ApiKey::try_new("x-api-key", "hunter2")?;
/// assert_eq!(format!("{key:?}"), "ApiKey { header: \"x-api-key\", .. }");
///
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").auth(key).build()?;
/// client.get("/orders").send().await?;
///
/// let prefixed = ApiKey::try_new("Authorization", "ApiKey hunter2")?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ApiKey {
    name: HeaderName,
    key: Secret,
    headers: AuthNHeaders,
}

impl ApiKey {
    /// `name` is the header, `key` its whole value.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `name` is no header name, or a header that HTTP itself needs; when `key` is empty, has white
    /// space around it, or holds anything but visible ASCII and spaces. Neither an invalid name nor the key is shown.
    pub fn try_new<N>(name: N, key: impl Into<Secret>) -> Result<Self, Error>
    where
        N: TryInto<HeaderName>,
    {
        let name = name.try_into().map_err(|_| {
            let problem = "is no header name: use letters, digits and -_.!#$%&'*+^`|~ only";
            BuildError::new("the header of ApiKey", problem)
        })?;
        if is_of_http(&name) {
            let problem = format!(
                "cannot be {name}, which HTTP itself needs: give the header that the service names"
            );
            return Err(BuildError::new("the header of ApiKey", problem).into());
        }
        let key = key.into();
        let setting = format!("the key of ApiKey for header {name}");
        check_credential(&setting, key.expose())?;
        let value = HeaderValue::from_str(key.expose())
            .map_err(|_| BuildError::new(setting, "fits no header: use visible ASCII"))?;
        let headers = AuthNHeaders::new().with(name.clone(), value);
        Ok(Self { name, key, headers })
    }
}

/// Whether the header frames, routes, encodes or negotiates the message, and so is written or obeyed on its way.
fn is_of_http(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "accept"
            | "accept-encoding"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-range"
            | "content-type"
            | "expect"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "proxy-connection"
            | "range"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

#[async_trait]
impl AuthNProvider for ApiKey {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new(self.key.clone()).with_token_type("ApiKey"))
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        Ok(self.headers.clone())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("header", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::{Method, header};

    use super::*;

    fn headers(key: &ApiKey) -> AuthNHeaders {
        let request = RequestHead::new(Method::GET, "https://api.example.com/".parse().unwrap());
        key.get_headers(&request).now_or_never().unwrap().unwrap()
    }

    fn refused<N: TryInto<HeaderName>>(name: N, key: &str) -> String {
        let error = ApiKey::try_new(name, key).unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("ApiKey") && !text.contains("ter2"), "{text}");
        error.to_string()
    }

    #[test]
    fn any_header_holds_the_key() {
        let key = ApiKey::try_new("X-Api-Key", "hunter2").unwrap();
        let given = headers(&key);
        let all: Vec<_> = given.iter().collect();
        let expected = (HeaderName::from_static("x-api-key"), HeaderValue::from_static("hunter2"));
        assert_eq!(all, [(&expected.0, &expected.1)]);
        assert!(all[0].1.is_sensitive());

        let token = key.get_token().now_or_never().unwrap().unwrap();
        assert_eq!((token.token_type(), token.access_token().expose()), ("ApiKey", "hunter2"));
    }

    #[test]
    fn authorization_holds_a_key_with_its_prefix() {
        for key in [
            ApiKey::try_new("Authorization", "ApiKey abc"),
            ApiKey::try_new(header::AUTHORIZATION, "ApiKey abc".to_owned()),
        ] {
            let given = headers(&key.unwrap());
            let (name, value) = given.iter().next().unwrap();
            assert_eq!((name, value.as_bytes()), (&header::AUTHORIZATION, &b"ApiKey abc"[..]));
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused_unshown() {
        for name in ["", "hunter2 x", "hunter2:", "hunter2\r\n", "hünter2"] {
            assert!(refused(name, "abc").starts_with("the header of ApiKey is no header name: "));
        }
    }

    #[test]
    fn headers_of_http_itself_are_refused() {
        for name in [
            "Content-Length",
            "content-type",
            "content-encoding",
            "Host",
            "Transfer-Encoding",
            "connection",
            "keep-alive",
            "TE",
            "trailer",
            "upgrade",
            "expect",
            "range",
            "accept-encoding",
        ] {
            let lower = name.to_lowercase();
            let text = refused(name, "hunter2");
            assert!(
                text.starts_with(&format!("the header of ApiKey cannot be {lower}, ")),
                "{text}"
            );
        }
        for name in ["cookie", "x-content-key", "proxy-authorization"] {
            assert!(ApiKey::try_new(name, "hunter2").is_ok(), "{name}");
        }
    }

    #[test]
    fn a_key_that_no_header_carries_is_refused_unshown() {
        for key in ["", " ", "hunter2\n", "hunter2\r\nx: y", "hunter2\0", "hünter2", "hun\tter2"] {
            let text = refused("x-api-key", key);
            assert!(text.starts_with("the key of ApiKey for header x-api-key "), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", ApiKey::try_new("x-api-key", "hunter2").unwrap());
        assert_eq!(text, "ApiKey { header: \"x-api-key\", .. }");
    }

    #[test]
    fn nothing_better_comes_after_a_rejection() {
        let key = ApiKey::try_new("x-api-key", "hunter2").unwrap();
        let rejected = headers(&key);
        key.invalidate(&rejected);
        assert!(headers(&key).same_credentials(&rejected));
    }
}
