//! [`BasicAuth`]: user and password.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, BuildError, Error, RequestHead, Secret,
};
use zeroize::Zeroizing;

/// User and password in every request ([RFC 7617]).
///
/// Both are sent as UTF-8, as they are given: Unicode is not normalised. Either may be empty, since services take a key
/// in one of the two; not both. A 401 is returned as it is: there is no other password to try. The header is made once;
/// a request costs a reference count. `Debug` shows neither.
///
/// [`get_token`](AuthNProvider::get_token) gives both, in Base64, as a token of type `Basic`.
///
/// [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617#section-2
///
/// # Examples
///
/// ```
/// use midil_auth::BasicAuth;
/// use midil_http_core::{HttpClient, Request};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let transport = |request: Request| async move {
///     assert_eq!(request.headers()["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
///     Ok(http::Response::default())
/// };
/// let basic = BasicAuth::try_new("Aladdin", "open sesame")?;
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").auth(basic).build()?;
/// client.get("/orders").send().await?;
///
/// let stripe = BasicAuth::try_new("sk_test_abc", "")?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct BasicAuth {
    token: AuthNToken,
    headers: AuthNHeaders,
}

impl BasicAuth {
    /// `user` has no colon, which is what ends it.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `user` has a colon, either has a control character, or both are empty. Neither is shown.
    pub fn try_new(user: impl Into<Secret>, password: impl Into<Secret>) -> Result<Self, Error> {
        let (user, password) = (user.into(), password.into());
        let (user, password) = (user.expose(), password.expose());
        let wrong = |setting: &str, problem: &str| Err(BuildError::new(setting, problem).into());
        if user.is_empty() && password.is_empty() {
            return wrong("BasicAuth", "has neither user nor password: set them");
        }
        if user.contains(':') {
            return wrong(
                "the user of BasicAuth",
                "holds a colon, which would end it there: give the password apart from the user",
            );
        }
        for (setting, text) in
            [("the user of BasicAuth", user), ("the password of BasicAuth", password)]
        {
            if text.chars().any(char::is_control) {
                return wrong(
                    setting,
                    "holds a control character: cut off line ends, tabs and the like",
                );
            }
        }
        let pair = Zeroizing::new(format!("{user}:{password}"));
        let token = AuthNToken::new(STANDARD.encode(pair.as_bytes())).with_token_type("Basic");
        let headers = AuthNHeaders::from_token(&token)?;
        Ok(Self { token, headers })
    }
}

#[async_trait]
impl AuthNProvider for BasicAuth {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(self.token.clone())
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        Ok(self.headers.clone())
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicAuth(..)")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::{Method, header};

    use super::*;

    fn headers(basic: &BasicAuth) -> AuthNHeaders {
        let request = RequestHead::new(Method::GET, "https://api.example.com/".parse().unwrap());
        basic.get_headers(&request).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn the_header_is_as_the_rfc_has_it() {
        for (user, password, encoded) in [
            ("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), // section 2
            ("test", "123£", "dGVzdDoxMjPCow=="),                       // section 2.1
            ("u", "a:b:", "dTphOmI6"),
            ("key", "", "a2V5Og=="),
            ("", "key", "OmtleQ=="),
            ("u", "\u{3f}\u{3f}\u{3e}", "dTo/Pz4="),
        ] {
            let basic = BasicAuth::try_new(user, password).unwrap();
            let given = headers(&basic);
            let all: Vec<_> = given.iter().collect();
            let value = format!("Basic {encoded}").parse().unwrap();
            assert_eq!(all, [(&header::AUTHORIZATION, &value)]);
            assert!(all[0].1.is_sensitive());

            let token = basic.get_token().now_or_never().unwrap().unwrap();
            assert_eq!((token.token_type(), token.access_token().expose()), ("Basic", encoded));
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused_unshown() {
        for (user, password, problem) in [
            ("", "", "BasicAuth has neither user nor password"),
            ("hunter2:x", "hunter2", "the user of BasicAuth holds a colon"),
            ("hunter2\n", "hunter2", "the user of BasicAuth holds a control character"),
            ("hunter2", "hunter2\n", "the password of BasicAuth holds a control character"),
            ("hunter2", "hunter2\0", "the password of BasicAuth holds a control character"),
            ("hunter2", "\thunter2", "the password of BasicAuth holds a control character"),
            ("hunter2", "\u{7f}hunter2", "the password of BasicAuth holds a control character"),
            ("hunter2", "\u{85}hunter2", "the password of BasicAuth holds a control character"),
        ] {
            let error = BasicAuth::try_new(user, password).unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            let text = format!("{error} {error:?}");
            assert!(text.starts_with(problem) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn debug_shows_neither_user_nor_password() {
        let basic = BasicAuth::try_new("ada", "hunter2").unwrap();
        assert_eq!(format!("{basic:?}"), "BasicAuth(..)");
    }

    #[test]
    fn nothing_better_comes_after_a_rejection() {
        let basic = BasicAuth::try_new("ada", "hunter2").unwrap();
        let rejected = headers(&basic);
        basic.invalidate(&rejected);
        assert!(headers(&basic).same_credentials(&rejected));
    }
}
