//! Loads an Iceberg REST catalog over real sockets, tells how fast it answers.

mod bodies;
mod bucket;
mod cases;
mod dataset;
mod driver;
mod goals;
mod governed;
mod granted;
mod listing;
mod load;
mod operation;
mod postgres;
mod process;
mod report;
mod target;
mod tokens;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use weir_tests::{OpenFga, S3Server};

use crate::cases::{CLIENTS, Case};
use crate::dataset::Dataset;
use crate::driver::Weir;
use crate::goals::{Engine, Goal};
use crate::governed::{Policies, govern};
use crate::process::Process;
use crate::report::{Failure, Report, Row, write_json};
use crate::target::{Door, Target};

/// Measures an Iceberg REST catalog: latency and throughput of loads, listings, creations, commits.
///
/// With `--uri` it measures the catalog there. Without, it starts the `weir` beside it on an empty store of each engine.
#[derive(Debug, Parser)]
#[command(name = "weir-bench")]
struct Arguments {
    /// The catalog's base URI, e.g. http://127.0.0.1:8181/catalog.
    #[arg(long)]
    uri: Option<String>,
    #[arg(long, default_value = "default")]
    warehouse: String,
    /// A header for every request, e.g. "Authorization: Bearer …".
    #[arg(long)]
    header: Vec<String>,
    /// Allows a catalog that is not on this machine.
    #[arg(long)]
    anywhere: bool,
    /// Only these cases, e.g. load,head,commit-one.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How long each case is measured with each number of clients.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How many tables the large listing has.
    #[arg(long, default_value_t = 10_000)]
    tables: usize,
    /// How many tables the listing has of which nothing may be seen.
    #[arg(long, default_value_t = 100_000)]
    hidden_tables: usize,
    /// How many tables keys are made for, with each number of clients.
    #[arg(long, default_value_t = 6_000)]
    cold_tables: usize,
    /// Also writes the results into this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The stores that Weir is started on.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sqlite,postgres")]
    engines: Vec<Engine>,
    /// The binary that is started; by default the `weir` beside this one.
    #[arg(long)]
    weir: Option<PathBuf>,
}

fn main() -> Result<()> {
    // One thread leaves the machine to the server as far as possible.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&Arguments::parse()))
}

async fn run(arguments: &Arguments) -> Result<()> {
    ensure!((0.1..=60.0).contains(&arguments.seconds), "`--seconds` is between 0.1 and 60");
    ensure!((1..=100_000).contains(&arguments.tables), "`--tables` is between 1 and 100000");
    let cases = cases(&arguments.only)?;
    let mut reports = Vec::new();
    if let Some(uri) = &arguments.uri {
        reports.push(measure_elsewhere(arguments, &cases, uri).await?);
    } else {
        for &engine in &arguments.engines {
            // One engine that does not work is no reason to know nothing of the other.
            let title = format!("Weir on {engine:?}");
            let report = measure_weir(arguments, &plain(&cases), engine).await;
            reports.push(report.unwrap_or_else(|error| failed(title, &error)));
            if cases.iter().any(|case| case.policies().is_some()) {
                let title = format!("Weir on {engine:?} with four plugins, `cedar` decides");
                let report = measure_governed(arguments, &cases, engine, title.clone()).await;
                reports.push(report.unwrap_or_else(|error| failed(title, &error)));
            }
            if cases.iter().any(|case| case.asks_openfga()) {
                let title = format!("Weir on {engine:?}, `openfga` decides");
                let report = measure_granted(arguments, &cases, engine, title.clone()).await;
                reports.push(report.unwrap_or_else(|error| failed(title, &error)));
            }
            if cases.iter().any(|case| case.is_in_bucket()) {
                let title = format!("Weir on {engine:?} over a bucket of the generator's own, `s3` gives access");
                let report = measure_bucket(arguments, &cases, engine, title.clone()).await;
                reports.push(report.unwrap_or_else(|error| failed(title, &error)));
            }
        }
    }
    reports.iter().for_each(Report::print);
    arguments.json.as_ref().map_or(Ok(()), |path| write_json(&reports, path))?;
    match reports.iter().map(|report| report.failures.len()).sum::<usize>() {
        0 => Ok(()),
        failures => bail!("{failures} of the measurements failed; the report says which"),
    }
}

impl Case {
    /// How many tables its large listing has.
    fn tables(self, arguments: &Arguments) -> usize {
        match self {
            Self::ListHidden => arguments.hidden_tables,
            Self::Vend { .. } => arguments.cold_tables,
            _ => arguments.tables,
        }
    }
}

fn cases(only: &[String]) -> Result<Vec<Case>> {
    let known = || Case::ALL.map(Case::name).join(", ");
    for word in only {
        ensure!(
            Case::ALL.iter().any(|case| case.is_meant_by(word)),
            "no case is called `{word}`; there are {}",
            known()
        );
    }
    let meant = |case: &Case| only.is_empty() || only.iter().any(|word| case.is_meant_by(word));
    Ok(Case::ALL.into_iter().filter(meant).collect())
}

/// The cases that need no plugin, no bucket.
fn plain(cases: &[Case]) -> Vec<Case> {
    let is_plain = |case: &Case| case.policies().is_none() && !case.asks_openfga() && !case.is_in_bucket();
    cases.iter().copied().filter(is_plain).collect()
}

/// Measures a catalog that somebody else runs, leaves it as it was.
async fn measure_elsewhere(arguments: &Arguments, cases: &[Case], uri: &str) -> Result<Report> {
    let door = Door {
        uri: uri.to_owned(),
        warehouse: arguments.warehouse.clone(),
        headers: arguments.header.clone(),
        anywhere: arguments.anywhere,
        tokens: None,
    };
    let target = Target::find(&door).await?;
    let mut dataset = Dataset::new(&target);
    // What plugins somebody else has is not ours to change.
    let cases = &plain(cases);
    let title = format!("{uri}, warehouse {}", arguments.warehouse);
    let mut report = Report { title, ..Report::default() };
    let interrupted = tokio::select! {
        () = measure(arguments, cases, (&target, None), &mut dataset, &mut report) => false,
        _ = tokio::signal::ctrl_c() => true,
    };
    eprintln!("removing what was created");
    dataset.remove().await.context("what was created is not all removed")?;
    ensure!(!interrupted, "interrupted");
    Ok(report)
}

/// Starts Weir on an empty store, measures it, throws the store away.
async fn measure_weir(arguments: &Arguments, cases: &[Case], engine: Engine) -> Result<Report> {
    let binary = binary(arguments)?;
    let mut weir = Weir::new(&binary, engine).await?;
    eprintln!("starting {} on {engine:?}", binary.display());
    let title = format!("Weir on {engine:?} ({})", weir.durability().await?);
    let mut report = Report { title, facts: weir.facts().await?, ..Report::default() };
    let target = Target::find(&weir.door()).await?;
    let server = Some((engine, weir.process()?));
    measure(arguments, cases, (&target, server), &mut Dataset::new(&target), &mut report).await;
    match weir.memory_after() {
        Ok(fact) => report.facts.push(fact),
        Err(error) => report.failures.push(Failure::new("memory after the load".to_owned(), &error)),
    }
    if let Err(error) = weir.remove().await {
        report.failures.push(Failure::new("stopping the server".to_owned(), &error));
    }
    Ok(report)
}

fn failed(title: String, error: &anyhow::Error) -> Report {
    Report { title: title.clone(), failures: vec![Failure::new(title, error)], ..Report::default() }
}

/// Starts Weir with OpenFGA beside it, measures what its grants cost.
async fn measure_granted(arguments: &Arguments, cases: &[Case], engine: Engine, title: String) -> Result<Report> {
    let openfga = OpenFga::start().await.context("tests/setup.sh installs OpenFGA")?;
    let mut weir = Weir::granted(&binary(arguments)?, engine, &openfga).await?;
    let mut report = Report { title, facts: weir.facts().await?, ..Report::default() };
    let target = Target::find(&weir.door()).await?;
    let cases: Vec<Case> = cases.iter().copied().filter(|case| case.asks_openfga()).collect();
    let server = Some((engine, weir.process()?));
    measure(arguments, &cases, (&target, server), &mut Dataset::new(&target), &mut report).await;
    report.facts.push(weir.memory_after()?);
    weir.remove().await?;
    Ok(report)
}

/// Starts Weir with four plugins, measures what they add.
async fn measure_governed(arguments: &Arguments, cases: &[Case], engine: Engine, title: String) -> Result<Report> {
    let mut weir = Weir::governed(&binary(arguments)?, engine).await?;
    let mut report = Report { title, facts: weir.facts().await?, ..Report::default() };
    let target = Target::find(&weir.door()).await?;
    let mut dataset = Dataset::new(&target);
    for case in cases {
        let Some(policies) = case.policies() else { continue };
        govern(&target, weir.home(), Policies::Open).await?;
        if policies != Policies::People {
            // Made while everything is allowed; staging finds it in place.
            case.stage(&target, &mut dataset, case.tables(arguments), 1).await?;
        }
        govern(&target, weir.home(), policies).await?;
        let server = Some((engine, weir.process()?));
        measure(arguments, &[*case], (&target, server), &mut dataset, &mut report).await;
    }
    report.facts.push(weir.memory_after()?);
    weir.remove().await?;
    Ok(report)
}

/// Starts Weir over a bucket that this process serves, with its token service.
async fn measure_bucket(arguments: &Arguments, cases: &[Case], engine: Engine, title: String) -> Result<Report> {
    let s3 = S3Server::start().await;
    let mut weir = Weir::new(&binary(arguments)?, engine).await?.with(bucket::settings(&s3));
    weir.start().await?;
    let target = Target::find(&bucket::open(&s3, weir.door()).await?).await?;
    let mut dataset = Dataset::new(&target);
    dataset.storage = Some(s3.url());
    let mut report = Report { title, ..Report::default() };
    let cases: Vec<Case> = cases.iter().copied().filter(|case| case.is_in_bucket()).collect();
    let server = Some((engine, weir.process()?));
    measure(arguments, &cases, (&target, server), &mut dataset, &mut report).await;
    report.facts.push(weir.memory_after()?);
    weir.remove().await?;
    Ok(report)
}

fn binary(arguments: &Arguments) -> Result<PathBuf> {
    match &arguments.weir {
        Some(binary) => Ok(binary.clone()),
        None => Ok(std::env::current_exe()?.with_file_name("weir")),
    }
}

/// Adds a row to the report for each case with each number of clients, or why there is none.
async fn measure(
    arguments: &Arguments,
    cases: &[Case],
    (target, server): (&Target, Option<(Engine, Process)>),
    dataset: &mut Dataset,
    report: &mut Report,
) {
    for &case in cases {
        for clients in CLIENTS {
            match measure_case(arguments, (case, clients), target, dataset, server.as_ref()).await {
                Ok(row) => {
                    eprintln!("{:>18} {clients:>2} clients {:>10.0}/s", row.case, row.per_second);
                    report.rows.push(row);
                }
                Err(error) => {
                    let failure = Failure::new(format!("{} with {clients} clients", case.name()), &error);
                    eprintln!("{:>18} {clients:>2} clients: {}", case.name(), failure.reason);
                    report.failures.push(failure);
                }
            }
        }
    }
}

async fn measure_case(
    arguments: &Arguments,
    (case, clients): (Case, usize),
    target: &Target,
    dataset: &mut Dataset,
    server: Option<&(Engine, Process)>,
) -> Result<Row> {
    let length = Duration::from_secs_f64(arguments.seconds);
    let scene = case.stage(target, dataset, case.tables(arguments), clients).await.context("it cannot be prepared")?;
    let cpu = || server.map(|(_, process)| process.cpu()).transpose();
    let before = cpu()?;
    let tally = load::load(target, scene.operations, length).await?;
    let used = cpu()?.zip(before).map(|(after, before)| after.saturating_sub(before));
    let goal = server.and_then(|(engine, _)| Goal::of(*engine, case, clients));
    Ok(Row::new(case, scene.label, clients, &tally, used).against(goal))
}
