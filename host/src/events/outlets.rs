//! Where events leave the house.

use std::sync::Arc;

use uuid::Uuid;

#[cfg(feature = "nats")]
use super::nats::Nats;
use super::webhook::Webhook;
use crate::config;

/// The configured sinks of this process.
pub struct Outlets {
    /// This process, as the ledger knows who relays.
    pub holder: Uuid,
    sinks: Vec<Arc<Sink>>,
}

/// One way out.
pub enum Sink {
    /// One line an event.
    Log,
    Webhook(Webhook),
    #[cfg(feature = "nats")]
    Nats(Box<Nats>),
}

/// Why a sink did not take an event.
#[derive(Debug)]
pub struct Refusal {
    pub message: String,
    /// It never will: trying again is no use.
    pub is_final: bool,
}

impl Outlets {
    pub fn open(section: &config::Events) -> anyhow::Result<Self> {
        let mut sinks = Vec::new();
        if section.log {
            sinks.push(Arc::new(Sink::Log));
        }
        for (name, webhook) in &section.webhooks {
            sinks.push(Arc::new(Sink::Webhook(Webhook::open(name, webhook)?)));
        }
        #[cfg(feature = "nats")]
        if let Some(nats) = &section.nats {
            sinks.push(Arc::new(Sink::Nats(Box::new(Nats::new(nats)))));
        }
        Ok(Self { holder: Uuid::now_v7(), sinks })
    }

    pub fn sinks(&self) -> impl Iterator<Item = Arc<Sink>> {
        self.sinks.iter().cloned()
    }
}

impl Sink {
    /// The name of its position in the ledger.
    pub fn name(&self) -> &str {
        match self {
            Self::Log => "log",
            Self::Webhook(webhook) => webhook.name(),
            #[cfg(feature = "nats")]
            Self::Nats(_) => "nats",
        }
    }

    /// After how many failures an event is put aside; `None` for never.
    pub fn attempts_max(&self) -> Option<u32> {
        match self {
            Self::Log => None,
            // A stream that is away comes back; what it can never take says so by itself.
            #[cfg(feature = "nats")]
            Self::Nats(_) => None,
            Self::Webhook(webhook) => Some(webhook.attempts_max()),
        }
    }

    /// Hands over one event: a CloudEvent in JSON, the same bytes whenever it is told.
    pub async fn tell(&self, position: i64, id: Uuid, kind: &str, body: &str) -> Result<(), Refusal> {
        match self {
            Self::Log => {
                tracing::info!(target: "weir::event", position, event.id = %id, event.kind = kind, event = body, "{kind}");
                Ok(())
            }
            Self::Webhook(webhook) => webhook.tell(position, id, kind, body).await,
            #[cfg(feature = "nats")]
            Self::Nats(nats) => nats.tell(position, id, kind, body).await,
        }
    }
}
