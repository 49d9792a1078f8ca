//! When to stop: SIGTERM from an orchestrator, SIGINT from a terminal.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Told by the first SIGTERM or SIGINT; a second one ends the process at once.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    asked: CancellationToken,
    /// Nobody routes requests by the health of a process in a terminal, so nobody has to look away first.
    interrupted: CancellationToken,
}

pub fn when_asked() -> io::Result<Signals> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signals = Signals::default();
    let told = signals.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tell("SIGTERM"),
            _ = interrupt.recv() => {
                tell("SIGINT");
                told.interrupted.cancel();
            }
        }
        told.asked.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(signals)
}

impl Signals {
    /// Returns once somebody asked to stop.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Gives load balancers the time to look away; none after SIGINT.
    pub async fn drained(&self, drain: Duration) {
        tokio::select! {
            () = tokio::time::sleep(drain) => {}
            () = self.interrupted.cancelled() => {}
        }
    }
}

fn tell(signal: &str) {
    tracing::info!(signal, "stopping: requests under way may finish; a second signal stops at once");
}
