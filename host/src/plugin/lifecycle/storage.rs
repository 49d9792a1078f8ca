//! The storage plugin that serves buckets where the operator declares none.

use std::sync::Arc;

use super::Lifecycle;
use crate::config::PluginEntry;
use crate::plugin::Guest;
use crate::plugin::load::Refusal;

/// Its name in logs.
const NAME: &str = "bundled-s3";
/// A token service answers from far away; what decides about requests would have a hundredth of it.
const DEADLINE_MS: u32 = 10_000;

impl Lifecycle {
    /// The bundled `s3`, through the same gates as every plugin. It is made with the first question to it, so that a catalog
    /// on local disks does not pay for it. `None` in a program without bundled plugins.
    pub async fn storage_stand_in(&self) -> Result<Option<Arc<Guest>>, String> {
        let mut entry = PluginEntry { source: "builtin:s3".into(), ..PluginEntry::default() };
        entry.limits.deadline_ms = DEADLINE_MS;
        if !self.is_bundled(&entry) {
            return Ok(None);
        }
        let made = self.storage.get_or_try_init(|| async move {
            let seat = self.prepare(NAME, entry, None).await?;
            tracing::info!(plugin.name = NAME, sha256 = seat.guest.sha256(), "serves buckets: no storage is declared");
            Ok::<_, Refusal>(seat.guest)
        });
        made.await.map(|guest| Some(Arc::clone(guest))).map_err(|refusal| refusal.to_string())
    }
}
