//! What a proxy was asked to reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use super::script::ProxyScript;
use crate::fault_server::received::Received;

/// Where a request is to go, and how.
#[derive(Debug)]
pub(super) enum Asked {
    Tunnel(Target),
    /// With the head for the server.
    Forward(Target, String),
}

/// The addresses of a server, to be tried in turn.
#[derive(Debug)]
pub(super) struct Target(pub(super) Vec<SocketAddr>);

/// Why a request is not served, as a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) u16);

impl Asked {
    /// # Errors
    /// 400 for what is no target of a proxy, 403 for what is not on this machine.
    pub(super) fn of(request: &Received, script: &ProxyScript) -> Result<Self, Refused> {
        let is_tunnel = request.method() == "CONNECT";
        let target = request.target();
        let url = if is_tunnel { format!("http://{target}") } else { target.to_owned() };
        let url = Url::parse(&url).map_err(|_| Refused(400))?;
        let port = match is_tunnel {
            // The port of CONNECT is not optional; Url drops its default one, 80.
            true => target.rsplit_once(':').and_then(|(_, port)| port.parse().ok()),
            false if url.scheme() == "http" => url.port_or_known_default(),
            false => None,
        };
        let (Some(host), Some(port)) = (url.host(), port) else { return Err(Refused(400)) };
        let addresses = Target::of(&host, port, script)?;
        Ok(if is_tunnel {
            Self::Tunnel(addresses)
        } else {
            Self::Forward(addresses, head(request, &url))
        })
    }
}

impl Target {
    fn of(host: &Host<&str>, port: u16, script: &ProxyScript) -> Result<Self, Refused> {
        if let Some(address) = script.hosts.get(&host.to_string().to_ascii_lowercase()) {
            return Ok(Self(vec![*address]));
        }
        let here: Vec<IpAddr> = match host {
            Host::Domain(name) if name.eq_ignore_ascii_case("localhost") => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Host::Ipv4(address) if address.is_loopback() => vec![(*address).into()],
            Host::Ipv6(address) if address.is_loopback() => vec![(*address).into()],
            _ => return Err(Refused(403)),
        };
        Ok(Self(here.into_iter().map(|address| SocketAddr::new(address, port)).collect()))
    }
}

/// The head for the server: without what was meant for the proxy.
fn head(request: &Received, url: &Url) -> String {
    const FOR_THE_PROXY: [&str; 5] =
        ["connection", "keep-alive", "proxy-authorization", "proxy-connection", "te"];
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut head = format!("{} {}{query} HTTP/1.1\r\n", request.method(), url.path());
    for (name, value) in request.headers() {
        if !FOR_THE_PROXY.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str("connection: close\r\n\r\n");
    head
}
