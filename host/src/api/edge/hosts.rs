//! Which names a request may call an open catalog by.
//!
//! Whoever can send a request to a catalog without authentication may do everything. A page in the operator's browser can
//! reach a loopback address, too: by a name of its own that it lets point there (DNS rebinding), or with a plain form. What
//! it cannot do is hide its name: it stands in `Host` or in `Origin`.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, HeaderValue, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::api::respond;
use crate::config::{Anonymous, Config};

/// The names that are accepted.
pub(super) struct Hosts {
    names: Vec<String>,
    origins: Vec<String>,
}

impl Hosts {
    /// `None` where every name is: callers have to say who they are, or other machines are meant to call.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let server = &config.server;
        let is_open = config.auth.anonymous() != Anonymous::Never && server.listen.ip().is_loopback();
        let every_name = server.hosts.iter().any(|host| host == "*");
        if every_name || (!is_open && server.hosts.is_empty()) {
            return None;
        }
        let base_url = server.base_url.as_deref().and_then(|url| host_of(&url.parse().ok()?));
        let names = server.hosts.iter().map(|host| host.to_ascii_lowercase()).chain(base_url).collect();
        Some(Self { names, origins: server.cors.origins.clone() })
    }

    /// The answer to a request that names another host, or that another site's page sends.
    pub(super) fn refusal(&self, request: &Request) -> Option<Response> {
        if let Some(host) = self.foreign_host(request) {
            let message = format!(
                "this catalog does not go by the name `{host}`; ask for `localhost`, or let it be known by that name: \
                 add it to `server.hosts`, or set `server.base_url`"
            );
            return Some(respond::body(StatusCode::MISDIRECTED_REQUEST, "MisdirectedRequestException", &message));
        }
        let origin = self.foreign_origin(request)?;
        let message = format!(
            "pages of `{origin}` may not call this catalog; where they should, add it to `server.cors.origins`"
        );
        Some(respond::body(StatusCode::FORBIDDEN, "ForbiddenException", &message))
    }

    /// A name counts wherever it stands: in the target of the request, or in any `Host` header.
    fn foreign_host(&self, request: &Request) -> Option<String> {
        let target = request.uri().authority().map(|authority| authority.host().to_ascii_lowercase());
        let headers = request.headers().get_all(HOST).iter().map(host_in_header);
        target.into_iter().chain(headers).find(|host| !self.knows(host))
    }

    fn foreign_origin(&self, request: &Request) -> Option<String> {
        let may_call = |origin: &str| {
            self.origins.iter().any(|allowed| allowed == "*" || allowed == origin)
                || origin.parse().ok().as_ref().and_then(host_of).is_some_and(|host| self.knows(&host))
        };
        let origins = request.headers().get_all(ORIGIN).iter().map(lossy);
        origins.into_iter().find(|origin| !may_call(origin))
    }

    /// No name server decides where an address leads, nor where `localhost` does.
    fn knows(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || address.parse::<IpAddr>().is_ok()
            || self.names.iter().any(|name| name == host)
    }
}

fn host_in_header(value: &HeaderValue) -> String {
    let text = lossy(value);
    text.parse::<Authority>().map_or(text, |authority| authority.host().to_ascii_lowercase())
}

fn host_of(url: &Uri) -> Option<String> {
    url.host().map(str::to_ascii_lowercase)
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
