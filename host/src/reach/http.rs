//! A client for requests that somebody else asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use super::address::admissible;

const IDLE_MAX: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS_MAX: usize = 8;

/// No proxies of the environment, no redirects, nothing inflated; the resolver below decides where connections go. An
/// address in place of a name is not resolved: whoever sends looks at it first.
pub fn client(allow_private: bool, headers_max: usize) -> reqwest::Result<reqwest::Client> {
    crate::tls::choose_ring();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .http1_only()
        .http1_max_headers(headers_max)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .dns_resolver(Arc::new(CheckedResolver { allow_private }))
        .build()
}

/// Resolves for each new connection, which then goes to the very addresses that were checked.
struct CheckedResolver {
    allow_private: bool,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One bad address among good ones smells of rebinding: then none of them is used.
            for address in &found {
                admissible(address.ip(), allow_private)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
