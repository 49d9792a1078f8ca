//! Which plugin serves a warehouse's storage.

use std::sync::Arc;

use super::means::unable;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::plugin::Guest;

impl App {
    /// The first declared plugin that governs the warehouse and serves the kind, else the bundled one. 503 where one that is
    /// declared is not in place: nobody knows what it would have served.
    pub(super) async fn storage_plugin(
        &self,
        caller: &Caller,
        (project, warehouse): (&str, &str),
        kind: &str,
    ) -> Result<Arc<Guest>, Error> {
        let generation = self.plugins.current();
        let call = self.plugin_call(caller);
        for member in generation.storages().filter(|member| member.scope.covers(project, Some(warehouse))) {
            let serves = member.guest.serves(&call, kind).await;
            if serves.map_err(|fault| unable(&member.guest, fault))? {
                return Ok(Arc::clone(&member.guest));
            }
        }
        if let Some(vacancy) = generation.vacancies.iter().find(|one| one.scope.covers(project, Some(warehouse))) {
            return Err(Error::unavailable(format!("the plugin `{}` is not in place: retry", vacancy.name)));
        }
        let stand_in = self.lifecycle.storage_stand_in().await.map_err(|refusal| {
            tracing::error!(refusal, "the bundled storage plugin is not in place");
            Error::unavailable("the storage plugin is not in place: retry")
        })?;
        stand_in.ok_or_else(|| {
            Error::Unsupported(format!(
                "no plugin gives access to storages of the kind `{kind}`: declare one in [plugins.load]"
            ))
        })
    }
}
