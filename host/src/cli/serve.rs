//! `weir serve`: the catalog.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::Request;
use hyper::body::Incoming;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Source, banner};
use crate::api::{self, edge};
use crate::app::{App, Clock, declared};
use crate::config::Config;
use crate::server::{self, Listener, Signals, Stopped, Tls};
use crate::tasks;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{self, Page};

/// Serve the catalog until SIGTERM or SIGINT.
#[derive(clap::Args)]
#[command(after_help = "\
Without a configuration it listens on http://127.0.0.1:8181, keeps everything in ./weir-data, and makes the warehouse
`default`. Examples:
  weir serve
  WEIR__SERVER__LISTEN=127.0.0.1:9000 weir serve
  WEIR__STORE__URL=postgres://weir:secret@db/weir weir serve")]
pub(super) struct Args {}

pub(super) async fn run(_args: Args, source: &Source) -> anyhow::Result<()> {
    let config = source.load()?;
    let telemetry = Telemetry::start(&config)?;
    let served = serve(config, source.clone()).await;
    telemetry.flush();
    served
}

async fn serve(mut config: Config, source: Source) -> anyhow::Result<()> {
    let signals = server::when_asked()?;
    let (listener, tls) = listen(&mut config).await?;
    let metrics = listen_for_metrics(&mut config).await?;
    let declare = move || source.load().map(|config| declared(&config)).map_err(|problems| problems.to_string());
    let app = App::open_declared(config, Clock::default(), Box::new(declare)).await?;
    banner::show(&app).await?;

    let grace = app.config.server.shutdown_grace();
    let (stop, over) = (CancellationToken::new(), CancellationToken::new());
    let metrics = metrics.map(|page| tokio::spawn(serve_metrics(page, app.clone(), over.clone())));
    let tasks = app.config.tasks.enabled.then(|| tokio::spawn(tasks::run(app.clone(), app.stopping.clone())));
    let relays = app.config.events.enabled;
    let relays = relays.then(|| tokio::spawn(tasks::relay::run(app.clone(), app.stopping.clone())));
    let losses = app.store.may_fail_over();
    let losses = losses.then(|| tokio::spawn(tasks::losses::run(app.clone(), app.stopping.clone())));
    // To the last answer: the audit tells how requests ended.
    let audit = app.audit.feeds_the_outbox();
    let audit = audit.then(|| tokio::spawn(tasks::audit::run(app.clone(), over.clone())));
    let login = app.secrets.needs_tending();
    let login = login.then(|| tokio::spawn(tasks::login::keep(app.clone(), app.stopping.clone())));
    tokio::spawn(app.lifecycle.clone().watch());
    if let (Some(tls), Some(section)) = (tls, &app.config.server.tls) {
        tokio::spawn(tls.follow_files(Duration::from_secs(section.reload_interval_s), over.clone()));
    }
    tokio::spawn(stop_when_asked(signals, app.clone(), stop.clone()));
    let router = edge::layers(api::router(app.clone()), &app.config);
    let stopped = server::serve(listener, edge::limits(&app.config.server), router, stop).await;

    over.cancel();
    for background in [tasks, relays, losses, audit, login, metrics].into_iter().flatten() {
        end(background, grace).await?;
    }
    app.store.close().await;
    tell(stopped);
    Ok(())
}

/// Readiness goes first, so that load balancers look away while the listener still takes what they send.
async fn stop_when_asked(signals: Signals, app: Arc<App>, stop: CancellationToken) {
    signals.asked().await;
    app.stopping.cancel();
    signals.drained(app.config.server.shutdown_drain()).await;
    stop.cancel();
}

/// Waits for work that was told to stop. What outlasts the grace is cut: its lease runs out, another process does it.
async fn end(mut background: JoinHandle<()>, grace: Duration) -> anyhow::Result<()> {
    if let Ok(ended) = tokio::time::timeout(grace, &mut background).await {
        return ended.context("background work ended in a bug");
    }
    background.abort();
    tracing::warn!("background work was cut off; it is done again when its lease runs out");
    Ok(())
}

/// Binds first of all, so that a taken port is told before anything is opened or migrated.
async fn listen(config: &mut Config) -> anyhow::Result<(Listener, Option<Tls>)> {
    let tls = config.server.tls.as_ref().map(|tls| Tls::load(&tls.certificate, &tls.key)).transpose()?;
    let address = config.server.listen;
    let listener = Listener::bind(address, tls.clone()).await;
    let listener = listener.with_context(|| cannot_listen("server.listen", address))?;
    config.server.listen = listener.address()?;
    Ok((listener, tls))
}

/// The address and the page of the metrics. Collecting starts here, so that opening the store is counted, too.
async fn listen_for_metrics(config: &mut Config) -> anyhow::Result<Option<(Listener, Page)>> {
    if !config.metrics.enabled {
        return Ok(None);
    }
    let address = config.metrics.listen;
    let listener = Listener::bind(address, None).await.with_context(|| cannot_listen("metrics.listen", address))?;
    config.metrics.listen = listener.address()?;
    Ok(Some((listener, metrics::start()?)))
}

async fn serve_metrics((listener, page): (Listener, Page), app: Arc<App>, stop: CancellationToken) {
    let limits = edge::limits(&app.config.server);
    let answer = tower::service_fn(move |request: Request<Incoming>| {
        app.store.observe();
        app.lifecycle.measure();
        std::future::ready(page.answer(&request))
    });
    server::serve(listener, limits, answer, stop).await;
}

fn cannot_listen(field: &str, address: std::net::SocketAddr) -> String {
    format!("cannot listen on {address} (`{field}`); where another process has the port, stop it or choose another one")
}

fn tell(stopped: Stopped) {
    match stopped {
        Stopped::Drained => tracing::info!("stopped; every request was answered"),
        Stopped::Cut(connections) => {
            tracing::warn!(
                connections,
                "stopped; the grace (`server.shutdown_grace_s`) was over, connections were cut"
            );
        }
    }
}
