//! `weir serve`: the catalog.

use std::sync::Arc;

use anyhow::Context;
use hyper::Request;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::{Source, banner};
use crate::api::{self, edge};
use crate::app::{App, Clock};
use crate::config::Config;
use crate::server::{self, Listener, Stopped, Tls};
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
    let served = serve(config).await;
    telemetry.flush();
    served
}

async fn serve(mut config: Config) -> anyhow::Result<()> {
    let stop = server::when_asked()?;
    let listener = listen(&mut config).await?;
    let metrics = listen_for_metrics(&mut config).await?;
    let app = App::open(config, Clock::default()).await?;
    banner::show(&app).await?;

    let metrics = metrics.map(|page| tokio::spawn(serve_metrics(page, app.clone(), stop.clone())));
    let tasks = app.config.tasks.enabled.then(|| tokio::spawn(tasks::run(app.clone(), stop.clone())));
    let router = edge::layers(api::router(app.clone()), &app.config);
    let stopped = server::serve(listener, edge::limits(&app.config.server), router, stop).await;

    for background in [tasks, metrics].into_iter().flatten() {
        background.await.context("background work ended in a bug")?;
    }
    app.store.close().await;
    tell(stopped);
    Ok(())
}

/// Binds first of all, so that a taken port is told before anything is opened or migrated.
async fn listen(config: &mut Config) -> anyhow::Result<Listener> {
    let tls = config.server.tls.as_ref().map(|tls| Tls::load(&tls.certificate, &tls.key)).transpose()?;
    let address = config.server.listen;
    let listener = Listener::bind(address, tls).await.with_context(|| cannot_listen("server.listen", address))?;
    config.server.listen = listener.address()?;
    Ok(listener)
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
