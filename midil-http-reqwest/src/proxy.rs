//! Through which proxy reqwest sends: core decides, for all transports alike.

use midil_http_core::{Error, Proxy, ProxySettings};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{ClientBuilder, Url};

/// Sends through the proxies that `settings` name; those that `builder` has are forgotten.
pub(crate) fn apply(
    builder: ClientBuilder,
    settings: &ProxySettings,
) -> Result<ClientBuilder, Error> {
    let matcher = settings.matcher()?;
    if !matcher.is_empty() {
        let choose = move |url: &Url| matcher.proxy_for(url).map(with_credentials);
        return Ok(builder.no_proxy().proxy(reqwest::Proxy::custom(choose)));
    }
    // There, reqwest knows more than the environment says.
    let is_open = matches!(settings, ProxySettings::Environment) && system_may_name_one();
    // Who has no proxy need not ask on each request whether it is the one to take.
    Ok(if is_open { builder } else { builder.no_proxy() })
}

/// Whether the system's settings may name a proxy.
pub(crate) const fn system_may_name_one() -> bool {
    cfg!(all(feature = "system-proxy", any(target_os = "macos", target_os = "windows")))
}

/// The URL of the proxy as reqwest takes credentials from it. It puts them on what goes to the proxy: on a request over
/// plain http, and on the `CONNECT` of a tunnel.
fn with_credentials(proxy: &Proxy) -> Url {
    let mut url = proxy.url().clone();
    if let Some((user, password)) = proxy.credentials() {
        // `Url` leaves a `%` as it is, and reqwest would decode it.
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        // Neither can fail: the URL has a host.
        let _ = url.set_username(&encoded(user));
        let _ = url.set_password(Some(&encoded(password.expose())));
    }
    url
}
