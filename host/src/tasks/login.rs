//! The login of the secret store, kept alive while nobody asks for a secret.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Far less than any token lives.
const INTERVAL: Duration = Duration::from_secs(30);

/// Each process has a login of its own, so each keeps its own, until it is asked to stop.
pub async fn keep(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = app.secrets.tend(app.clock.now_ms()).await {
            tracing::warn!(%error, "the login at the secret store is in danger");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}
