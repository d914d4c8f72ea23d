//! Where a request comes from. Proxies in front of us append the address that they saw to `X-Forwarded-For`; whoever
//! sends the request can write anything before that. So the header is read from its end, and only as far as the
//! addresses are those of proxies that the settings name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request comes from; none where nobody connected (a command, a schedule).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientIp(pub Option<IpAddr>);

/// The proxies whose word counts, by their networks (`http.trusted_proxies`).
#[derive(Debug, Clone)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts these networks and no others.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).iter();
        // What is no text ends what can be believed, as what is no address does.
        let hops = lines.flat_map(|line| line.to_str().unwrap_or("?").split(','));
        for hop in hops.collect::<Vec<_>>().into_iter().rev() {
            if !self.0.iter().any(|network| network.contains(&client)) {
                break;
            }
            match address(hop.trim()) {
                Some(before) => client = before,
                None => break,
            }
        }
        client
    }
}

/// An address, with or without the port that some proxies append.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse().ok();
    let ip = ip.or_else(|| text.parse::<SocketAddr>().ok().map(|it| it.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

/// Layer: notes the address for everything behind it.
pub async fn note(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let ip = peer.map(|peer| proxies.client(peer.ip(), request.headers()));
    request.extensions_mut().insert(ClientIp(ip));
    next.run(request).await
}

impl ClientIp {
    /// As the layer noted it.
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get().copied().unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientIp {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(proxies: &[&str], peer: &str, lines: &[&str]) -> String {
        let networks: Vec<IpNet> = proxies.iter().map(|it| it.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line.as_bytes()).expect("a header");
            headers.append(FORWARDED_FOR, value);
        }
        let peer = peer.parse().expect("an address");
        TrustedProxies::new(&networks).client(peer, &headers).to_string()
    }

    #[test]
    fn the_header_is_believed_as_far_as_trusted_proxies_wrote_it() {
        let inner = ["10.0.0.0/8", "fd00::/8"];
        for (proxies, peer, lines, client) in [
            // Nobody is trusted: the header is anybody's.
            (&[][..], "203.0.113.9", &["1.2.3.4"][..], "203.0.113.9"),
            (&inner, "203.0.113.9", &["1.2.3.4"], "203.0.113.9"),
            (&inner, "10.0.0.1", &[], "10.0.0.1"),
            (&inner, "10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            // What the client wrote itself stands before what the proxy appended.
            (&inner, "10.0.0.1", &["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            (&inner, "10.0.0.1", &["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
            (&inner, "10.0.0.1", &["203.0.113.9, 10.9.9.9"], "203.0.113.9"),
            (&inner, "fd00::1", &["2001:db8::7"], "2001:db8::7"),
            (&inner, "::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            (&inner, "10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            (&inner, "10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            // What cannot be read is not skipped: before it anything may stand.
            (&inner, "10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            (&inner, "10.0.0.1", &["203.0.113.9, é"], "10.0.0.1"),
            (&inner, "10.0.0.1", &[""], "10.0.0.1"),
        ] {
            assert_eq!(seen(proxies, peer, lines), client, "{peer} {lines:?}");
        }
    }
}
