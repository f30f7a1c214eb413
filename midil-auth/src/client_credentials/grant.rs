//! [`Grant`]: what a token request says.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, header};
use midil_http_core::{AuthError, AuthErrorKind, CallSettings, Request, Secret};
use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// How the client proves to the token endpoint who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// `client_secret_basic`: an `Authorization: Basic` header of the form-encoded id and secret ([RFC 6749, section
    /// 2.3.1]). The default: every authority must support it.
    ///
    /// [RFC 6749, section 2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    #[default]
    Basic,
    /// `client_secret_post`: id and secret in the form.
    Post,
}

/// What is asked of the token endpoint, but for the secret.
pub(super) struct Grant {
    pub(super) url: Url,
    pub(super) client_id: String,
    pub(super) method: ClientAuthMethod,
    /// Every field of the form but id and secret, in the order of the asking.
    pub(super) fields: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl Grant {
    /// The request for a token.
    pub(super) fn request(
        &self,
        secret: &Secret,
        settings: CallSettings,
    ) -> Result<Request, AuthError> {
        // Made at its full length: text that grows leaves copies of the secret behind.
        let mut form =
            form_urlencoded::Serializer::new(String::with_capacity(self.longest(secret)));
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(&self.fields);
        let mut headers = self.headers.clone();
        match self.method {
            ClientAuthMethod::Basic => {
                headers.insert(header::AUTHORIZATION, self.basic(secret)?);
            }
            ClientAuthMethod::Post => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret.expose());
            }
        }
        let mut request = Request::new(Method::POST, self.url.clone()).with_body(form.finish());
        *request.headers_mut() = headers;
        request.extensions_mut().insert(settings);
        Ok(request)
    }

    /// No form is longer: a byte takes three characters at most.
    fn longest(&self, secret: &Secret) -> usize {
        let fields: usize =
            self.fields.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        3 * (fields + self.client_id.len() + secret.expose().len()) + 100
    }

    fn basic(&self, secret: &Secret) -> Result<HeaderValue, AuthError> {
        let text = Zeroizing::new(format!("Basic {}", *self.pair(secret)));
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| AuthError::new(AuthErrorKind::Other, "base64 fits no header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Id and secret, as `Basic` wants them.
    fn pair(&self, secret: &Secret) -> Zeroizing<String> {
        let pair = format!("{}:{}", *form_encoded(&self.client_id), *form_encoded(secret.expose()));
        Zeroizing::new(STANDARD.encode(Zeroizing::new(pair).as_bytes()))
    }

    /// What tells this credential from any other, but for its secret. `own` are the headers that the caller set: an
    /// authority may choose the tenant by one of them.
    #[cfg(feature = "store")]
    pub(super) fn credential(&self, own: &HeaderMap) -> String {
        let mut id = form_urlencoded::Serializer::new(String::new());
        id.append_pair("token_url", self.url.as_str()).append_pair("client_id", &self.client_id);
        let id = id.extend_pairs(&self.fields).finish();
        if own.is_empty() {
            return id;
        }
        let mut names: Vec<_> = own.keys().collect();
        names.sort_unstable_by_key(|name| name.as_str());
        let mut headers = form_urlencoded::Serializer::new(String::new());
        for name in names {
            for value in own.get_all(name) {
                headers.append_pair(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
            }
        }
        // No form has a line break: what is a field and what is a header are two things.
        format!("{id}\n{}", headers.finish())
    }

    /// The text, less whatever an authority repeats of id and secret.
    pub(super) fn without_secrets(&self, text: &str, secret: &Secret) -> String {
        let mut clean = text.replace(&**self.pair(secret), "…");
        for hidden in [secret.expose(), &self.client_id] {
            let form = form_encoded(hidden);
            let percent = Zeroizing::new(form.replace('+', "%20"));
            for hidden in [hidden, &form, &percent] {
                if !hidden.is_empty() {
                    clean = clean.replace(hidden, "…");
                }
            }
        }
        // There are more spellings than anybody lists: what still reads as a secret is not shown at all.
        if self.reads_as_secret(&clean, secret) { "…".to_owned() } else { clean }
    }

    fn reads_as_secret(&self, text: &str, secret: &Secret) -> bool {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let plain = text.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'");
        let spellings = [decoded(&plain), decoded(&plain.replace('+', " ")), plain];
        [secret.expose(), &self.client_id]
            .into_iter()
            .filter(|hidden| !hidden.is_empty())
            .any(|hidden| spellings.iter().any(|text| text.contains(hidden)))
    }
}

fn form_encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
    encoded
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("method", &self.method).finish_non_exhaustive()
    }
}
