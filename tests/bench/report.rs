//! What was measured, as a table for people or JSON for machines.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cases::Case;
use crate::goals::Goal;
use crate::load::Tally;

/// One case with one number of clients.
#[derive(Debug, Serialize)]
pub struct Row {
    pub case: String,
    pub label: String,
    pub clients: usize,
    pub p50_us: f64,
    pub p99_us: f64,
    pub per_second: f64,
    pub successes: u64,
    pub conflicts: u64,
    pub refused: u64,
    pub failed: u64,
    pub broken: u64,
    /// Processor time of the server for one answer, where its process is known.
    pub cpu_us: Option<f64>,
    #[serde(skip)]
    goal: Option<Goal>,
}

/// Something about the process that is no load.
#[derive(Debug, Serialize)]
pub struct Fact {
    pub what: String,
    pub value: String,
    pub goal: String,
}

/// What was asked for, but could not be measured.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub what: String,
    /// With all its causes.
    pub reason: String,
}

impl Failure {
    pub fn new(what: String, error: &anyhow::Error) -> Self {
        Self { what, reason: format!("{error:#}") }
    }
}

/// Everything about one catalog.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub title: String,
    pub facts: Vec<Fact>,
    pub rows: Vec<Row>,
    pub failures: Vec<Failure>,
}

impl Row {
    pub fn new(case: Case, label: String, clients: usize, tally: &Tally, cpu: Option<Duration>) -> Self {
        let microseconds = |quantile| tally.latency.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            case: case.name(),
            label,
            clients,
            p50_us: microseconds(0.5),
            p99_us: microseconds(0.99),
            per_second: tally.per_second(),
            successes: tally.successes,
            conflicts: tally.conflicts,
            refused: tally.refused,
            failed: tally.failed,
            broken: tally.broken,
            cpu_us: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / tally.answers.max(1) as f64),
            goal: None,
        }
    }

    /// With what it is held against.
    pub fn against(self, goal: Option<Goal>) -> Self {
        Self { goal, ..self }
    }

    fn cells(&self) -> [String; 8] {
        let goal = self.goal.map_or_else(String::new, |goal| {
            let verdict = if goal.is_met(self) { "met" } else { "MISSED" };
            format!("{goal}: {verdict}")
        });
        [
            self.label.clone(),
            self.clients.to_string(),
            latency(self.p50_us),
            latency(self.p99_us),
            thousands(self.per_second),
            self.cpu_us.map_or_else(String::new, latency),
            self.errors(),
            goal,
        ]
    }

    fn errors(&self) -> String {
        let kinds = [
            (self.conflicts, "conflicts (409)"),
            (self.refused, "other 4xx"),
            (self.failed, "5xx"),
            (self.broken, "broken connections"),
        ];
        let kinds: Vec<String> =
            kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if kinds.is_empty() { "0".to_owned() } else { kinds.join(", ") }
    }
}

impl Report {
    pub fn print(&self) {
        println!("\n{}\n", self.title);
        let facts: Vec<Vec<String>> =
            self.facts.iter().map(|fact| vec![fact.what.clone(), fact.value.clone(), fact.goal.clone()]).collect();
        if !facts.is_empty() {
            print_table(&["process", "value", "goal"], &facts);
            println!();
        }
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.cells().to_vec()).collect();
        print_table(&["operation", "clients", "p50", "p99", "per second", "server CPU", "errors", "goal"], &rows);
        for failure in &self.failures {
            println!("\nNOT MEASURED: {}: {}", failure.what, failure.reason);
        }
    }
}

/// Writes the reports as one JSON array.
pub fn write_json(reports: &[Report], path: &std::path::Path) -> Result<()> {
    let text = serde_json::to_string_pretty(reports)?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// As a Markdown table, so that it can be pasted where results are kept.
fn print_table(titles: &[&str], rows: &[Vec<String>]) {
    let titles: Vec<String> = titles.iter().map(|&title| title.to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&titles).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | "));
    };
    line(&titles);
    line(&widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
}

fn latency(microseconds: f64) -> String {
    match microseconds {
        1e4.. => format!("{:.1} ms", microseconds / 1e3),
        1e3.. => format!("{:.2} ms", microseconds / 1e3),
        _ => format!("{microseconds:.0} µs"),
    }
}

pub fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn thousands(number: f64) -> String {
    if number < 100.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
