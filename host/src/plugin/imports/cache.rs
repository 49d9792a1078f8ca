//! What instances of a plugin remember together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache as Moka;

use super::super::bindings::base::weir::plugin::cache::Host;
use super::super::instance::State;
use super::super::limits::Limits;

const KEY_BYTES_MAX: usize = 1 << 10;
const TTL_MS_MAX: u32 = 24 * 60 * 60 * 1_000;

/// Bounded by entries, by bytes; each entry has its own lifetime.
pub(super) struct Cache {
    entries: Moka<String, Entry>,
    bytes_max: usize,
}

#[derive(Clone)]
struct Entry {
    value: Arc<[u8]>,
    ttl: Duration,
}

struct OwnLifetime;

impl Expiry<String, Entry> for OwnLifetime {
    fn expire_after_create(&self, _key: &String, entry: &Entry, _at: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &String, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Cache {
    pub(super) fn new(limits: &Limits) -> Self {
        let bytes_max = limits.cache_bytes_max;
        // An entry weighs at least its share of the bytes, so that one capacity keeps both bounds.
        let share = bytes_max.div_ceil(limits.cache_entries_max.max(1));
        let weigh = move |key: &String, entry: &Entry| {
            u32::try_from(key.len() + entry.value.len()).unwrap_or(u32::MAX).max(share)
        };
        let entries = Moka::builder().max_capacity(bytes_max.into()).weigher(weigh).expire_after(OwnLifetime).build();
        Self { entries, bytes_max: bytes_max as usize }
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.entries.get(key).await.map(|entry| entry.value.to_vec())
    }

    /// Too long a key, too big a value, no lifetime: it is as if the entry had been forgotten at once.
    async fn put(&self, key: String, value: Vec<u8>, ttl_ms: u32) {
        if key.len() > KEY_BYTES_MAX || key.len() + value.len() > self.bytes_max || ttl_ms == 0 {
            self.entries.invalidate(&key).await;
            return;
        }
        let ttl = Duration::from_millis(ttl_ms.min(TTL_MS_MAX).into());
        self.entries.insert(key, Entry { value: value.into(), ttl }).await;
    }
}

impl Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.count_host_call()?;
        Ok(self.loans.cache.get(&key).await)
    }

    async fn put(&mut self, key: String, value: Vec<u8>, ttl_ms: u32) -> wasmtime::Result<()> {
        self.count_host_call()?;
        if self.has_seen_keys() {
            return Ok(());
        }
        self.loans.cache.put(key, value, ttl_ms).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> Cache {
        Cache::new(&Limits { cache_bytes_max: 4_096, cache_entries_max: 8, ..Limits::default() })
    }

    #[tokio::test]
    async fn what_was_put_is_found_until_it_is_put_away() {
        let cache = cache();
        cache.put("a".into(), vec![1], 1_000).await;
        assert_eq!(cache.get("a").await, Some(vec![1]));
        cache.put("a".into(), vec![2], 0).await;
        assert_eq!(cache.get("a").await, None);
    }

    #[tokio::test]
    async fn entries_and_bytes_stay_within_their_bounds() {
        let cache = cache();
        for n in 0..100 {
            cache.put(format!("k{n}"), vec![0; 10], 60_000).await;
            cache.put(format!("big{n}"), vec![0; 2_000], 60_000).await;
        }
        cache.put("huge".into(), vec![0; 5_000], 60_000).await;
        cache.entries.run_pending_tasks().await;
        assert!(cache.entries.entry_count() <= 8, "{} entries", cache.entries.entry_count());
        assert!(cache.entries.weighted_size() <= 4_096, "{} bytes", cache.entries.weighted_size());
        assert_eq!(cache.get("huge").await, None);
    }
}
