//! Who listens to the outbox: plugins that keep grants, the configured sinks.

use std::sync::Arc;

use super::{Trouble, change};
use crate::app::App;
use crate::events::{Refusal, Sink};
use crate::plugin::{GuestFault, Member, PluginFault};
use crate::store::rows::Event;

/// One listener.
pub enum Target {
    Plugin(Member),
    Sink(Arc<Sink>),
}

impl Target {
    /// All listeners of this moment.
    pub fn all(app: &App) -> Vec<Self> {
        let generation = app.plugins.current();
        let plugins = generation.followers().cloned().map(Self::Plugin);
        plugins.chain(app.outlets.sinks().map(Self::Sink)).collect()
    }

    /// The name of its position in the ledger.
    pub fn name(&self) -> String {
        match self {
            Self::Plugin(member) => format!("plugin:{}", member.guest.name()),
            Self::Sink(sink) => sink.name().to_owned(),
        }
    }

    /// Whether events from before its first day are for it, too.
    pub fn hears_the_past(&self) -> bool {
        matches!(self, Self::Plugin(_))
    }

    /// Whether an event that failed so often is put aside. What a plugin does not hear would be a wrong right, so that is
    /// told until it is heard.
    pub fn gives_up_after(&self, failures: i64) -> bool {
        match self {
            Self::Plugin(_) => false,
            Self::Sink(sink) => sink.attempts_max().is_some_and(|most| failures >= i64::from(most)),
        }
    }

    pub async fn tell(&self, app: &App, position: i64, event: &Event) -> Result<(), Trouble> {
        match self {
            Self::Plugin(member) => tell_plugin(app, member, event).await,
            Self::Sink(sink) => {
                let told = sink.tell(position, event.id, &event.kind, &event.body).await;
                told.map_err(|Refusal { message, is_final }| Trouble { message, is_final })
            }
        }
    }
}

async fn tell_plugin(app: &App, member: &Member, event: &Event) -> Result<(), Trouble> {
    let read = change::of(app, event).await;
    for change in read.map_err(|error| Trouble { message: error.to_string(), is_final: false })? {
        if !member.scope.governs(&change.object) {
            continue;
        }
        let told = member.guest.on_change(&change.call, change.what, &change.object, change.before.as_ref()).await;
        told.map_err(|fault| Trouble { is_final: is_final(&fault), message: fault.to_string() })?;
    }
    Ok(())
}

/// Whether the plugin says that it makes nothing of such an event; everything else may pass.
fn is_final(fault: &PluginFault) -> bool {
    matches!(fault, PluginFault::Guest { kind: GuestFault::InvalidInput, .. })
}
