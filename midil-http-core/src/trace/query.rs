//! What is shown of the query of a URL.

use std::borrow::Cow;
use std::fmt;

use url::{Url, form_urlencoded};

use crate::redact;

/// Which part of a query is shown.
#[derive(Debug, Clone, Default)]
pub(crate) enum Query {
    /// None: `?…`.
    #[default]
    Hidden,
    /// The values of these parameters; of the others the name alone.
    Of(Vec<String>),
    /// All but the signatures of signed URLs, and what is a secret by its name.
    All,
}

impl Query {
    /// The URL as it is shown: never with userinfo or a fragment.
    pub(crate) const fn show<'a>(&'a self, url: &'a Url) -> Shown<'a> {
        Shown { url, query: self }
    }

    fn shows(&self, name: &str) -> bool {
        match self {
            Self::Hidden => false,
            Self::Of(names) => names.iter().any(|known| known == name),
            Self::All => !is_credential(name) && !redact::is_secret_name(name),
        }
    }
}

/// The signatures that OpenTelemetry's conventions name: whoever has them can use the URL. So can who has an authorization code
/// or, with many services, what they call the `key` or the `code`.
fn is_credential(name: &str) -> bool {
    ["awsaccesskeyid", "sig", "x-goog-signature", "code", "code_verifier", "key"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// See [`Query::show`].
pub(crate) struct Shown<'a> {
    url: &'a Url,
    query: &'a Query,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(query) = self.url.query().filter(|_| !matches!(self.query, Query::Hidden)) else {
            return fmt::Display::fmt(&redact::url(self.url), f);
        };
        fmt::Display::fmt(&redact::url_before_query(self.url), f)?;
        // As it was sent, piece by piece: decoded, one could not tell `a=b%26c` from `a=b&c`.
        for (at, pair) in query.split('&').enumerate() {
            f.write_str(if at == 0 { "?" } else { "&" })?;
            let (raw, has_value) =
                pair.split_once('=').map_or((pair, false), |(name, _)| (name, true));
            let name = decoded(raw);
            if self.query.shows(&name) {
                f.write_str(pair)?;
            } else if has_value {
                write!(f, "{raw}=REDACTED")?;
            } else {
                // A query that is no pair may be the secret itself.
                f.write_str("REDACTED")?;
            }
        }
        Ok(())
    }
}

fn decoded(name: &str) -> Cow<'_, str> {
    form_urlencoded::parse(name.as_bytes()).next().map_or(Cow::Borrowed(name), |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &Query, url: &str) -> String {
        query.show(&Url::parse(url).unwrap()).to_string()
    }

    #[test]
    fn nothing_of_a_query_is_shown_by_default() {
        let url = "https://user:hunter2@api.test:8443/a?page=2#hunter2";
        assert_eq!(shown(&Query::default(), url), "https://api.test:8443/a?…");
        assert_eq!(shown(&Query::default(), "https://api.test/a"), "https://api.test/a");
    }

    #[test]
    fn parameters_that_are_allowed_are_shown_and_of_others_the_name() {
        let query = Query::Of(vec!["page".into(), "größe".into()]);
        let url =
            "https://u:hunter2@api.test/a?page=2&token=hunter2&gr%C3%B6%C3%9Fe=3&Page=4&x=#hunter2";
        assert_eq!(
            shown(&query, url),
            "https://api.test/a?page=2&token=REDACTED&gr%C3%B6%C3%9Fe=3&Page=REDACTED&x=REDACTED"
        );
        assert_eq!(shown(&query, "https://api.test/a?hunter2"), "https://api.test/a?REDACTED");
        assert_eq!(shown(&query, "https://api.test/a?"), "https://api.test/a?REDACTED");
    }

    #[test]
    fn a_query_that_is_shown_hides_signatures_and_secrets_still() {
        let url = "https://api.test/a?page=2&sig=hunter2&X-Amz-Signature=hunter2&access_token=hunter2&k%65y=hunter2&code=hunter2&flag";
        assert_eq!(
            shown(&Query::All, url),
            "https://api.test/a?page=2&sig=REDACTED&X-Amz-Signature=REDACTED&access_token=REDACTED&k%65y=REDACTED&code=REDACTED&flag"
        );
    }
}
