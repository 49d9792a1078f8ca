//! `[server]`: where HTTP is served, within which limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cidr, Problem};

/// Where and how HTTP is served.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address and port of both APIs; port 0 takes a free one. Beyond loopback only with authentication, or with
    /// `auth.anonymous = "anywhere"`.
    #[schemars(with = "String", example = &"127.0.0.1:8181")]
    pub listen: SocketAddr,
    /// The address that clients are told to use when it is not `listen`, e.g. behind a proxy; without it, what a trusted
    /// proxy's forwarded headers say.
    #[schemars(example = &"https://catalog.example.com")]
    pub base_url: Option<String>,
    /// Names of this server, beside `localhost`, addresses and the one in `base_url`; a request for another one is
    /// answered with 421. Looked at where anonymous callers are let in on a loopback address, which pages in a browser
    /// reach by a name of their own (DNS rebinding), and where this list is set; `["*"]` is every name.
    #[schemars(example = &["catalog.internal"])]
    pub hosts: Vec<String>,
    /// The proxies whose `X-Forwarded-For`, `-Proto`, `-Host` headers are believed; from anybody else they are ignored.
    #[schemars(example = &["10.0.0.0/8"])]
    pub trusted_proxies: Vec<Cidr>,
    /// The certificate of an HTTPS listener; plain HTTP without it.
    pub tls: Option<Tls>,
    /// Which web pages may call the APIs.
    pub cors: Cors,
    /// The largest request body, in bytes; a larger one is answered with 413.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub body_bytes_max: usize,
    /// The largest header section of a request, in bytes; a larger one is answered with 431 or a closed connection.
    #[schemars(range(min = 8192, max = 1_048_576))]
    pub header_bytes_max: u32,
    /// The most headers of a request; more are answered with 431 or a closed connection.
    #[schemars(range(min = 16, max = 1000))]
    pub headers_max: usize,
    /// How long a client may take to send its headers, and how long an idle connection is kept, in seconds.
    #[schemars(range(min = 1, max = 3600))]
    pub header_timeout_s: u64,
    /// How long one request may take, in seconds; afterwards it is answered with 408, a commit with 429.
    #[schemars(range(min = 1, max = 3600))]
    pub request_timeout_s: u64,
    /// The most connections at a time; further ones wait to be accepted. Each takes a file descriptor, of which many
    /// systems grant 1,024; raise that limit first (`ulimit -n`), then this one.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_max: usize,
    /// The most requests worked on at a time; further ones are answered with 503 (a commit with 429) and `Retry-After`.
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_max: usize,
    /// How long after SIGTERM requests are still taken while `/health/ready` answers 503, in seconds, so that load
    /// balancers look away before the port closes; SIGINT does not wait.
    #[schemars(range(min = 0, max = 3600))]
    pub shutdown_drain_s: u64,
    /// How long requests under way may take to finish once the port is closed, in seconds; background work has as long
    /// again.
    #[schemars(range(min = 0, max = 3600))]
    pub shutdown_grace_s: u64,
}

/// The certificate of an HTTPS listener.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The PEM file with the certificate, followed by its chain.
    #[schemars(example = &"/etc/weir/tls.crt")]
    pub certificate: PathBuf,
    /// The PEM file with the private key.
    #[schemars(example = &"/etc/weir/tls.key")]
    pub key: PathBuf,
    /// How often both files are looked at, in seconds. What has changed is shown to new connections; where it cannot be
    /// used, the last good one stays, and the log says why.
    #[serde(default = "reload_interval_s")]
    #[schemars(range(min = 1, max = 86_400))]
    pub reload_interval_s: u64,
}

const fn reload_interval_s() -> u64 {
    5
}

/// Which web pages may call the APIs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// The origins that may; `["*"]` is every one. None by default.
    #[schemars(example = &["https://console.example.com"])]
    pub origins: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8181)),
            base_url: None,
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            tls: None,
            cors: Cors::default(),
            body_bytes_max: 32 * 1024 * 1024,
            header_bytes_max: 64 * 1024,
            headers_max: 100,
            header_timeout_s: 60,
            request_timeout_s: 60,
            connections_max: 768,
            requests_max: 512,
            shutdown_drain_s: 2,
            shutdown_grace_s: 30,
        }
    }
}

impl Server {
    pub fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_s)
    }

    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    pub fn shutdown_drain(&self) -> Duration {
        Duration::from_secs(self.shutdown_drain_s)
    }

    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_s)
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(text) = &self.base_url
            && !is_plain_http_url(text)
        {
            problems.push(Problem::at("server.base_url", format!("`{text}`"), "an http or https URL without query"));
        }
        for host in self.hosts.iter().filter(|host| !is_host(host)) {
            problems.push(Problem::at("server.hosts", format!("`{host}`"), "host names without port, or `*` alone"));
        }
        for origin in &self.cors.origins {
            if !is_origin(origin) {
                let expected = "origins: scheme, host and port, no path; or `*` alone";
                problems.push(Problem::at("server.cors.origins", format!("`{origin}`"), expected));
            }
        }
        if let Some(tls) = &self.tls {
            problems.extend(readable("server.tls.certificate", &tls.certificate));
            problems.extend(readable("server.tls.key", &tls.key));
        }
        problems
    }
}

fn is_plain_http_url(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.query().is_none() && url.fragment().is_none())
}

fn is_origin(text: &str) -> bool {
    text == "*" || url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

fn is_host(text: &str) -> bool {
    text == "*" || url::Host::parse(text).is_ok_and(|host| host.to_string().eq_ignore_ascii_case(text))
}

fn readable(path: &str, file: &std::path::Path) -> Option<Problem> {
    let error = std::fs::File::open(file).err()?;
    Some(Problem::at(path, format!("`{}`: {error}", file.display()), "a readable PEM file"))
}
