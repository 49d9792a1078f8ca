//! What a proxy says about a request, believed only from trusted ones.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};

use crate::app::App;
use crate::config::{Cidr, Server};
use crate::server::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client's address: the last one in `X-Forwarded-For` that is no trusted proxy. What stands further left was
/// written by the client itself, so it proves nothing.
pub(super) fn client_address(peer: &Peer, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let mut address = peer.address.ip();
    if !is_trusted(address, trusted) {
        return address;
    }
    let texts: Vec<&str> = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    for text in texts.iter().rev().flat_map(|text| text.rsplit(',')) {
        let Ok(before) = text.trim().parse() else { break };
        address = before;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    address
}

/// The address that clients are told to use, without a trailing slash: the configured one, else what a trusted proxy
/// says; `None` where they know best themselves.
pub struct PublicUrl(pub Option<String>);

impl FromRequestParts<Arc<App>> for PublicUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &app.config.server))
    }
}

impl PublicUrl {
    pub fn of(parts: &Parts, server: &Server) -> Self {
        let configured = server.base_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        Self(configured.or_else(|| forwarded_url(parts, server)))
    }
}

fn forwarded_url(parts: &Parts, server: &Server) -> Option<String> {
    let peer = parts.extensions.get::<Peer>()?;
    if !is_trusted(peer.address.ip(), &server.trusted_proxies) {
        return None;
    }
    let host = last(&parts.headers, X_FORWARDED_HOST)?;
    let is_plain = host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'));
    let scheme = match last(&parts.headers, X_FORWARDED_PROTO) {
        Some(scheme @ ("http" | "https")) => scheme,
        _ if server.tls.is_some() => "https",
        _ => "http",
    };
    is_plain.then(|| format!("{scheme}://{host}"))
}

fn is_trusted(address: IpAddr, trusted: &[Cidr]) -> bool {
    trusted.iter().any(|range| range.contains(address))
}

/// What the nearest proxy said: each appends to what it received.
fn last(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}
