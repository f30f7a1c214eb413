//! [`StaticToken`]: a token that never changes.

use std::fmt;

use async_trait::async_trait;
use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, BuildError, Error, RequestHead, Secret,
};

/// A token that never changes, in the `Authorization` header: `Bearer …` ([RFC 6750, section 2.1]), or another type.
///
/// It does not expire, and a 401 is returned as it is: there is no other token to try. Its header is made once; a request
/// costs a reference count. `Debug` shows the type alone.
///
/// [RFC 6750, section 2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
///
/// # Examples
///
/// ```
/// use midil_auth::StaticToken;
/// use midil_http_core::{AuthNProvider, HttpClient, Request};
///
/// # let transport = |_: Request| async { Ok(http::Response::default()) };
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let token = StaticToken::try_new("abc")?;
/// assert_eq!(token.get_token().await?.token_type(), "Bearer");
/// assert!(!format!("{token:?}").contains("abc"));
///
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").auth(token).build()?;
///
/// let github = StaticToken::try_new("ghp_abc")?.with_type("token")?; // Authorization: token ghp_abc
///
/// let error = StaticToken::try_new("abc\n").unwrap_err();
/// assert_eq!(error.to_string(), "the token of StaticToken has white space around it: trim it");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct StaticToken {
    token: AuthNToken,
    headers: AuthNHeaders,
}

impl StaticToken {
    /// A bearer token: without the word `Bearer`.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when the token is empty, has white space around it, begins with its type, or holds anything but
    /// visible ASCII and spaces. The token is not shown.
    pub fn try_new(token: impl Into<Secret>) -> Result<Self, Error> {
        let token = token.into();
        check_credential("the token of StaticToken", token.expose())?;
        Self::of(AuthNToken::new(token))
    }

    /// The same token, of another type: the first word of the header.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when the type is no token of [RFC 9110, section 5.6.2], or the token begins with it already. Neither
    /// is shown.
    ///
    /// [RFC 9110, section 5.6.2]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
    pub fn with_type(self, token_type: impl Into<String>) -> Result<Self, Error> {
        let token_type = token_type.into();
        if token_type.is_empty() || !token_type.bytes().all(is_token_byte) {
            let problem = "is no word: use letters, digits and -_.!#$%&'*+^`|~ only";
            return Err(BuildError::new("the type of StaticToken", problem).into());
        }
        Self::of(self.token.with_token_type(token_type))
    }

    fn of(token: AuthNToken) -> Result<Self, Error> {
        // `Bearer Bearer abc` is a 401 that nobody understands, because nothing shows the header.
        let first = token.access_token().expose().split_once(' ');
        if first.is_some_and(|(word, _)| word.eq_ignore_ascii_case(token.token_type())) {
            let problem = "begins with its type, which the header has already: give what follows";
            return Err(BuildError::new("the token of StaticToken", problem).into());
        }
        let headers = AuthNHeaders::from_token(&token)?;
        Ok(Self { token, headers })
    }
}

#[async_trait]
impl AuthNProvider for StaticToken {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(self.token.clone())
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        Ok(self.headers.clone())
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticToken")
            .field("token_type", &self.token.token_type())
            .finish_non_exhaustive()
    }
}

/// Whether a header can carry this credential, and the server will see it as it is.
///
/// The `http` crate is more lenient: it lets through white space that servers cut off (RFC 9110, section 5.5), and bytes
/// beyond ASCII, which nobody reads alike. Either comes from a copy that went wrong.
pub(crate) fn check_credential(setting: &str, text: &str) -> Result<(), BuildError> {
    let problem = if text.is_empty() {
        "is empty: set it to what the service issued"
    } else if text.trim().len() < text.len() {
        "has white space around it: trim it"
    } else if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        "holds characters that a header cannot: use visible ASCII and spaces"
    } else {
        return Ok(());
    };
    Err(BuildError::new(setting, problem))
}

/// A `tchar` of RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::Method;

    use super::*;

    fn request() -> RequestHead {
        RequestHead::new(Method::GET, "https://api.example.com/".parse().unwrap())
    }

    fn headers(token: &StaticToken) -> AuthNHeaders {
        token.get_headers(&request()).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn the_header_is_bearer_or_another_type() {
        let bearer = StaticToken::try_new("hunter2").unwrap();
        assert_eq!(headers(&bearer).iter().next().unwrap().1, "Bearer hunter2");

        let other = bearer.with_type("token").unwrap();
        let given = headers(&other);
        let all: Vec<_> = given.iter().collect();
        assert_eq!(all, [(&http::header::AUTHORIZATION, &"token hunter2".parse().unwrap())]);
        assert!(all[0].1.is_sensitive());
        let token = other.get_token().now_or_never().unwrap().unwrap();
        assert_eq!((token.token_type(), token.access_token().expose()), ("token", "hunter2"));
        assert_eq!(token.expires_at(), None);
    }

    #[test]
    fn a_token_that_no_header_carries_is_refused_unshown() {
        for (token, problem) in [
            ("", "is empty"),
            (" ", "has white space around it"),
            ("hunter2\n", "has white space around it"),
            ("\u{a0}hunter2", "has white space around it"),
            ("hunter2\r\nx-evil: 1", "holds characters"),
            ("hunter2\0", "holds characters"),
            ("hunter2\u{7f}", "holds characters"),
            ("hun\tter2", "holds characters"),
            ("hünter2", "holds characters"),
            ("hunter2\u{200b}", "holds characters"),
            ("Bearer hunter2", "begins with its type"),
            ("bearer  hunter2", "begins with its type"),
        ] {
            let error = StaticToken::try_new(token).unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            let text = format!("{error} {error:?}");
            assert!(
                text.starts_with(&format!("the token of StaticToken {problem}"))
                    && !text.contains("ter2"),
                "{token:?}: {text}"
            );
        }
        assert!(StaticToken::try_new("Token x=\"1\", y=\"2|~\"").is_ok());
    }

    #[test]
    fn a_type_that_is_no_word_is_refused_unshown() {
        for kind in ["", "hunter2 x", "hunter2\n", "hunter2:", "hünter2", "\"hunter2\""] {
            let error = StaticToken::try_new("abc").unwrap().with_type(kind).unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            let text = format!("{error} {error:?}");
            assert!(
                text.starts_with("the type of StaticToken is no word: use ")
                    && !text.contains("ter2"),
                "{kind:?}: {text}"
            );
        }
        let twice = StaticToken::try_new("ApiKey abc").unwrap().with_type("apikey");
        assert!(twice.unwrap_err().to_string().contains("begins with its type"));
    }

    #[test]
    fn debug_shows_no_token() {
        let text = format!("{:?}", StaticToken::try_new("hunter2").unwrap());
        assert_eq!(text, "StaticToken { token_type: \"Bearer\", .. }");
    }

    #[test]
    fn nothing_better_comes_after_a_rejection() {
        let token = StaticToken::try_new("hunter2").unwrap();
        let rejected = headers(&token);
        token.invalidate(&rejected);
        assert!(headers(&token).same_credentials(&rejected));
    }

    #[test]
    fn headers_cost_the_box_of_their_future() {
        let token = StaticToken::try_new("hunter2").unwrap();
        let request = request();
        let counted = allocation_counter::measure(|| {
            let headers = token.get_headers(&request).now_or_never().unwrap();
            assert!(headers.is_ok());
        });
        assert_eq!(counted.count_total, 1);
    }
}
