//! What a proxy says about a request, believed only from trusted ones.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};

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

/// The address under which the client knows this server, without a trailing slash: the configured one, what a trusted
/// proxy says, or the `Host` header.
pub fn base_url(parts: &Parts, server: &Server) -> String {
    if let Some(url) = &server.base_url {
        return url.trim_end_matches('/').to_owned();
    }
    let peer = parts.extensions.get::<Peer>();
    let is_proxied = peer.is_some_and(|peer| is_trusted(peer.address.ip(), &server.trusted_proxies));
    let forwarded = |name| if is_proxied { last(&parts.headers, name) } else { None };
    let scheme = match forwarded(X_FORWARDED_PROTO) {
        Some(scheme @ ("http" | "https")) => scheme,
        _ if server.tls.is_some() => "https",
        _ => "http",
    };
    let host = forwarded(X_FORWARDED_HOST)
        .or_else(|| parts.headers.get("host")?.to_str().ok())
        .or_else(|| parts.uri.authority().map(Authority::as_str))
        .filter(|host| host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@')));
    match host {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://{}", server.listen),
    }
}

fn is_trusted(address: IpAddr, trusted: &[Cidr]) -> bool {
    trusted.iter().any(|range| range.contains(address))
}

/// What the nearest proxy said: each appends to what it received.
fn last(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}
