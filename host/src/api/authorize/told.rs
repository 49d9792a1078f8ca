//! News for the plugins that keep grants, told at once where somebody waits for what follows from it.

use std::time::Duration;

use futures_util::future::join_all;

use super::object::Object;
use crate::app::App;
use crate::auth::Caller;
use crate::plugin::{Call, Principal};

/// How long a request waits for it. The relay tells everything once more, so nothing is lost by going on.
const PATIENCE: Duration = Duration::from_millis(500);

impl App {
    /// Tells who made something, so that its maker can use it with the next request.
    pub async fn tell_created(&self, caller: &Caller, object: Object<'_>) {
        self.tell_at_once(caller, "created", object).await;
    }

    pub async fn tell_bootstrapped(&self, caller: &Caller) {
        self.tell_at_once(caller, "bootstrapped", Object::Server).await;
    }

    async fn tell_at_once(&self, caller: &Caller, change: &'static str, object: Object<'_>) {
        let generation = self.plugins.current();
        if generation.followers().next().is_none() {
            return;
        }
        let Ok(fields) = self.fields(&object).await else { return };
        // As in the event: the one who is accountable, whatever role he acts in.
        let principal =
            Principal { id: caller.id().to_owned(), kind: "user".to_owned(), roles: Vec::new(), claims: Vec::new() };
        let call = Call { principal, ..self.call(caller) };
        let governing = generation.followers().filter(|member| member.scope.governs(&fields));
        let telling = governing.map(|member| member.guest.on_change(&call, change, &fields, None));
        match tokio::time::timeout(PATIENCE, join_all(telling)).await {
            Ok(told) => {
                for fault in told.iter().filter_map(|told| told.as_ref().err()) {
                    tracing::debug!(error = %fault, "a plugin did not hear of {} at once; it will", object.shown());
                }
            }
            Err(_) => tracing::debug!("plugins did not hear of {} in time; they will", object.shown()),
        }
    }
}
