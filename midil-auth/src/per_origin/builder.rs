//! [`PerOriginBuilder`].

use std::fmt;
use std::sync::Arc;

use midil_http_core::{AuthNProvider, BuildError, Error, credential_url};
use url::Position;

use super::{Named, PerOrigin, Providers};

const SETTING: &str = "PerOrigin::origin";

/// Builds a [`PerOrigin`].
///
/// # Examples
///
/// ```
/// use midil_auth::{PerOrigin, StaticToken};
///
/// let one = StaticToken::try_new("abc")?;
/// let twice = PerOrigin::builder()
///     .origin("https://a.example.com", one.clone())
///     .origin("https://A.example.com:443/v1", one.clone())
///     .fallback(one)
///     .build();
/// assert_eq!(
///     twice.unwrap_err().to_string(),
///     "PerOrigin::origin names https://a.example.com twice: give each origin one provider",
/// );
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Default)]
pub struct PerOriginBuilder {
    named: Vec<(String, Arc<dyn AuthNProvider>)>,
    fallback: Option<Arc<dyn AuthNProvider>>,
}

impl PerOriginBuilder {
    /// Who answers for an origin. A path is allowed, and ignored.
    ///
    /// Plain http beyond this machine cannot be named, even where the client has
    /// [`allow_plain_http_auth`](midil_http_core::HttpClientBuilder::allow_plain_http_auth); the fallback answers there.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>, provider: impl AuthNProvider) -> Self {
        self.named.push((origin.into(), Arc::new(provider)));
        self
    }

    /// Who answers for all other origins, whatever they are, and gives the token where no request is seen.
    #[must_use]
    pub fn fallback(mut self, provider: impl AuthNProvider) -> Self {
        self.fallback = Some(Arc::new(provider));
        self
    }

    /// Makes the provider.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the origin without its secrets: when it is no http or https URL, holds userinfo, is plain
    /// http to a host that is not this machine, or is named twice; or when there is no provider at all.
    pub fn build(self) -> Result<PerOrigin, Error> {
        let Self { named, fallback } = self;
        if named.is_empty() && fallback.is_none() {
            let problem = "has no provider: name one with `origin`, or set `fallback`";
            return Err(BuildError::new("PerOrigin", problem).into());
        }
        let parse = |(text, provider): (String, _)| {
            let url = credential_url(SETTING, &text)?;
            Ok((url[..Position::AfterPort].to_owned(), provider))
        };
        let mut named = named.into_iter().map(parse).collect::<Result<Vec<_>, BuildError>>()?;
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some(pair) = named.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let problem = format!("names {} twice: give each origin one provider", pair[0].0);
            return Err(BuildError::new(SETTING, problem).into());
        }
        let named: Vec<_> = (1..)
            .zip(named)
            .map(|(place, (origin, provider))| Named { origin, place, provider })
            .collect();
        let places = named.last().map_or(1, |last| last.place + 1);
        Ok(PerOrigin(Arc::new(Providers { named, fallback, places })))
    }
}

impl fmt::Debug for PerOriginBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The origins are not looked at yet, and may hold userinfo.
        f.debug_struct("PerOriginBuilder")
            .field("origins", &self.named.len())
            .field("fallback", &self.fallback.is_some())
            .finish()
    }
}
