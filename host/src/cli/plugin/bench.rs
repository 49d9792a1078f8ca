//! `weir plugin bench`: how long an authorizer takes.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::super::Source;
use super::NoAnswer;
use super::run::Asked;
use super::subject::{Component, Grants, Subject};
use crate::config::PluginEntry;
use crate::plugin::{Batch, Call, Check, Guest, PluginFault};

/// Items of the batch, as a listing would ask about.
const BATCH: usize = 1_000;

/// Measure an authorizer: a warm call, a fresh instance a call, a batch of 1,000.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
    #[command(flatten)]
    grants: Grants,
    #[command(flatten)]
    asked: Asked,
    /// How long each of the three is measured, in seconds.
    #[arg(long, default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// Durations of many calls.
struct Measured {
    name: &'static str,
    /// Decisions in one call.
    decisions: u32,
    sorted: Vec<Duration>,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let subject = Subject::open(&args.component, source).await?;
    let entry = args.grants.entry(&args.component, None);
    let warm = subject.guest(&entry).await?;
    let fresh = subject.guest(&fresh(entry)).await?;
    let call = args.asked.who().call(now_ms()).map_err(anyhow::Error::msg)?;
    let facts = args.asked.facts();
    let check = args.asked.place(&args.asked.object, &facts).check(&args.asked.action).map_err(anyhow::Error::msg)?;
    let batch = batch(&check);
    let time = Duration::from_secs(args.seconds);
    let measured = [
        measure("warm", 1, time, || one(&warm, &call, &check)).await?,
        measure("fresh", 1, time, || one(&fresh, &call, &check)).await?,
        measure("batch", BATCH as u32, time, || many(&warm, &call, &batch)).await?,
    ];
    if json {
        let rows = measured.iter().map(Measured::json).collect::<Vec<_>>();
        println!("{}", json!({ "measured": rows, "memory-bytes": subject.sandbox.memory_bytes_used() }));
        return Ok(());
    }
    println!("          calls        p50        p99   a decision");
    for each in &measured {
        println!(
            "{:<6} {:>8} {:>7} µs {:>7} µs {:>9.2} µs",
            each.name,
            each.sorted.len(),
            each.at(50).as_micros(),
            each.at(99).as_micros(),
            each.a_decision_us()
        );
    }
    println!("memory of its instances: {} KiB", subject.sandbox.memory_bytes_used() >> 10);
    Ok(())
}

fn fresh(mut entry: PluginEntry) -> PluginEntry {
    entry.limits.fresh = true;
    entry
}

async fn one(guest: &Arc<Guest>, call: &Call, check: &Check) -> Result<(), PluginFault> {
    guest.authorize(call, std::slice::from_ref(check)).await.map(drop)
}

async fn many(guest: &Arc<Guest>, call: &Call, batch: &Batch) -> Result<(), PluginFault> {
    guest.authorize_many(call, batch).await.map(drop)
}

async fn measure<F: Future<Output = Result<(), PluginFault>>>(
    name: &'static str,
    decisions: u32,
    time: Duration,
    ask: impl Fn() -> F,
) -> anyhow::Result<Measured> {
    let no_answer = |fault: PluginFault| NoAnswer { code: fault.code(), message: format!("{name}: {fault}") };
    // The first calls make instances, fill caches.
    for _ in 0..10 {
        ask().await.map_err(no_answer)?;
    }
    let (started, mut sorted) = (Instant::now(), Vec::new());
    while started.elapsed() < time {
        let asked = Instant::now();
        ask().await.map_err(no_answer)?;
        sorted.push(asked.elapsed());
    }
    sorted.sort_unstable();
    Ok(Measured { name, decisions, sorted })
}

impl Measured {
    fn at(&self, percent: usize) -> Duration {
        self.sorted.get(self.sorted.len() * percent / 100).or(self.sorted.last()).copied().unwrap_or_default()
    }

    fn a_decision_us(&self) -> f64 {
        self.at(50).as_secs_f64() * 1e6 / f64::from(self.decisions)
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "calls": self.sorted.len(),
            "decisions-per-call": self.decisions,
            "p50-us": self.at(50).as_secs_f64() * 1e6,
            "p99-us": self.at(99).as_secs_f64() * 1e6,
            "decision-us": self.a_decision_us(),
        })
    }
}

/// The same question about many objects of one namespace, as a listing asks it.
fn batch(check: &Check) -> Batch {
    let object = &check.object;
    let column = |attribute: &crate::plugin::Attribute| crate::plugin::Column {
        key: attribute.key.clone(),
        values: vec![attribute.value.clone(); BATCH],
    };
    Batch {
        action: check.action.clone(),
        kind: object.kind.clone(),
        project: object.project.clone(),
        warehouse: object.warehouse.clone(),
        namespaces: vec![object.namespace.clone()],
        namespace_of: vec![0; BATCH],
        ids: (0..BATCH).map(|at| format!("{}-{at}", object.id)).collect(),
        names: (0..BATCH).map(|at| format!("{}-{at}", object.name)).collect(),
        columns: object.attributes.iter().map(column).collect(),
    }
}

pub(super) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
