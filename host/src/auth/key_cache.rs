//! The keys of an issuer, fetched from where the configuration says, kept for a while, looked for again when they rotate.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::sync::Mutex;

use super::fetch::Fetcher;
use super::keys::{Fingerprint, KeySet};
use super::refusal::Refusal;
use crate::config::is_address;

/// Where keys come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The document of OpenID discovery under the issuer's address, which says where the keys are.
    Discovery(String),
    Address(String),
    File(PathBuf),
}

pub(super) struct KeyCache {
    source: Source,
    fetcher: Fetcher,
    ttl_ms: i64,
    interval_ms: i64,
    held: RwLock<Option<Held>>,
    /// One fetch at a time; whoever waited looks at what came first.
    fetching: Arc<Mutex<()>>,
    attempted_at_ms: AtomicI64,
}

#[derive(Clone)]
struct Held {
    keys: Arc<KeySet>,
    since_ms: i64,
}

impl KeyCache {
    pub fn new(source: Source, fetcher: Fetcher, ttl_s: u32, interval_s: u32) -> Self {
        Self {
            source,
            fetcher,
            ttl_ms: i64::from(ttl_s) * 1_000,
            interval_ms: i64::from(interval_s) * 1_000,
            held: RwLock::new(None),
            fetching: Arc::default(),
            attempted_at_ms: AtomicI64::new(i64::MIN / 2),
        }
    }

    /// The keys that count now. After half of their time they are renewed behind the caller's back; once it is over nobody
    /// is let in by them.
    pub async fn current(self: &Arc<Self>, now_ms: i64) -> Result<Arc<KeySet>, Refusal> {
        let Some(held) = self.fresh(now_ms) else { return self.renew(now_ms).await };
        if now_ms - held.since_ms > self.ttl_ms / 2 && self.may_ask(now_ms) {
            let this = Arc::clone(self);
            tokio::spawn(async move { this.renew(now_ms).await.map(|_| ()) });
        }
        Ok(held.keys)
    }

    /// The keys after another look for one that is not among them; however many such tokens come, there is one look an
    /// interval.
    pub async fn current_with_more(self: &Arc<Self>, now_ms: i64) -> Result<Arc<KeySet>, Refusal> {
        if !self.may_ask(now_ms) {
            return self.fresh(now_ms).map(|held| held.keys).ok_or_else(silent);
        }
        self.renew(now_ms).await
    }

    /// Whether a key counts now, from memory alone.
    pub fn holds(&self, fingerprint: &Fingerprint, now_ms: i64) -> bool {
        self.fresh(now_ms).is_some_and(|held| now_ms - held.since_ms <= self.ttl_ms / 2 && held.keys.holds(fingerprint))
    }

    fn fresh(&self, now_ms: i64) -> Option<Held> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        held.filter(|held| now_ms - held.since_ms < self.ttl_ms)
    }

    fn may_ask(&self, now_ms: i64) -> bool {
        now_ms - self.attempted_at_ms.load(Ordering::Relaxed) >= self.interval_ms
    }

    /// Fetches the keys, unless somebody did while this one waited.
    async fn renew(self: &Arc<Self>, now_ms: i64) -> Result<Arc<KeySet>, Refusal> {
        let turn = Arc::clone(&self.fetching).lock_owned().await;
        if !self.may_ask(now_ms) {
            return self.fresh(now_ms).map(|held| held.keys).ok_or_else(silent);
        }
        self.attempted_at_ms.store(now_ms, Ordering::Relaxed);
        let this = Arc::clone(self);
        // In a task of its own: the look of this interval is for all. If it ended with the request that began it,
        // whoever hangs up at once, again in each interval, would keep the keys from everybody until their time is over.
        let looked = tokio::spawn(async move {
            let _turn = turn;
            this.look(now_ms).await
        });
        looked.await.unwrap_or_else(|_| Err(silent()))
    }

    async fn look(&self, now_ms: i64) -> Result<Arc<KeySet>, Refusal> {
        metrics::counter!("weir_issuer_key_fetches_total").increment(1);
        match self.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let held = Held { keys: Arc::clone(&keys), since_ms: now_ms };
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(keys)
            }
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!(target: "weir::auth", why, "the keys of an issuer cannot be had");
                let kept = self.fresh(now_ms).map(|held| held.keys);
                kept.ok_or_else(|| Refusal::Unavailable(format!("the keys of its issuer cannot be had: {why}")))
            }
        }
    }

    async fn fetch(&self) -> anyhow::Result<KeySet> {
        let document = match &self.source {
            Source::File(path) => {
                let text = tokio::fs::read(path).await.with_context(|| format!("`keys_file` {}", path.display()))?;
                serde_json::from_slice(&text).with_context(|| format!("`keys_file` {} is no JSON", path.display()))?
            }
            Source::Address(address) => self.fetcher.json(address).await?,
            Source::Discovery(issuer) => {
                let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                let discovered = self.fetcher.json(&address).await?;
                self.fetcher.json(jwks_uri(&discovered, issuer)?).await?
            }
        };
        let keys =
            KeySet::parse(&document).map_err(|why| anyhow::anyhow!("what should be a JWK set is none: {why}"))?;
        if keys.len() == 0 {
            bail!("the JWK set has no key that verifies signatures");
        }
        Ok(keys)
    }
}

/// Where the keys are. The document has to be the issuer's own: another one could name foreign keys.
fn jwks_uri<'a>(discovered: &'a Value, issuer: &str) -> anyhow::Result<&'a str> {
    let text = |key: &str| discovered.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("issuer") != issuer {
        bail!("the discovery document is that of `{}`, not of `{issuer}`", text("issuer"));
    }
    let uri = text("jwks_uri");
    if !is_address(uri) {
        bail!("the discovery document names `{uri}` as the place of the keys, which is no `https://` address");
    }
    // An issuer that the operator reaches by TLS must not lead the catalog to some service of this machine.
    if issuer.starts_with("https://") && !uri.starts_with("https://") {
        bail!("the discovery document leads from `https` to `{uri}`");
    }
    Ok(uri)
}

fn silent() -> Refusal {
    Refusal::Unavailable("its issuer did not answer a moment ago".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn r28_who_hangs_up_does_not_keep_the_keys_from_the_others() {
        let issuer = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = format!("http://{}/keys", issuer.local_addr().expect("an address"));
        let fetcher = Fetcher::open(None).expect("a client");
        let cache = Arc::new(KeyCache::new(Source::Address(address), fetcher, 300, 10));

        // The first who asks is gone as soon as the issuer hears of it.
        let (mut connection, _) = tokio::select! {
            _ = cache.current(0) => panic!("the issuer has not answered"),
            asked = issuer.accept() => asked.expect("a connection"),
        };
        let mut request = [0; 4_096];
        let asked = connection.read(&mut request).await.expect("a request");
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let keys = json!({ "keys": [key] }).to_string();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
        connection.write_all(answer.as_bytes()).await.expect("the answer is sent");

        let others = cache.current(1).await;

        assert!(asked > 0 && others.is_ok_and(|keys| keys.len() == 1));
    }
}
