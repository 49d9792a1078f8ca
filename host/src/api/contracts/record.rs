//! One log line for what a contract says to a request, one for each violation.

use crate::auth::Caller;
use crate::plugin::{Report, Submission};

pub fn reports(generation: u64, caller: &Caller, changes: &[Submission], reports: &[Report]) {
    for report in reports {
        one(generation, caller, changes, report);
    }
}

fn one(generation: u64, caller: &Caller, changes: &[Submission], report: &Report) {
    let operation = changes.first().map_or("", |change| change.proposal.operation.as_str());
    macro_rules! line {
        ($level:ident, $verdict:literal, $code:expr) => {
            tracing::$level!(
                target: "weir::contract",
                operation,
                caller.id = caller.id(),
                object = changes.first().map(shown),
                changes = changes.len(),
                verdict = $verdict,
                plugin.name = report.plugin,
                plugin.digest = report.digest,
                plugin.generation = generation,
                plugin.code = $code,
                duration_ms = report.duration.as_secs_f64() * 1_000.0,
                "{} {} of {} by {}", report.plugin, $verdict, operation, caller.id()
            )
        };
    }
    let verdict = match &report.said {
        Ok(findings) if findings.block() => {
            line!(info, "violation", None::<&str>);
            "violated"
        }
        Ok(_) => {
            line!(debug, "approval", None::<&str>);
            "passed"
        }
        Err(silence) => {
            line!(warn, "silence", Some(silence.code));
            "undecided"
        }
    };
    metrics::counter!("weir_contract_reviews_total", "plugin" => report.plugin.clone(), "verdict" => verdict)
        .increment(1);
    let Ok(findings) = &report.said else { return };
    count(report, "block", findings.untold.blocking);
    count(report, "warn", findings.untold.warnings);
    for finding in &findings.told {
        let severity = if finding.blocks { "block" } else { "warn" };
        tracing::info!(
            target: "weir::contract",
            operation,
            caller.id = caller.id(),
            object = finding.change.and_then(|at| changes.get(at)).map(shown),
            severity,
            rule = finding.rule,
            path = finding.path.as_deref(),
            reason = finding.message,
            plugin.name = report.plugin,
            "{} finds a violation of {}", report.plugin, finding.rule
        );
        count(report, severity, 1);
    }
}

fn count(report: &Report, severity: &'static str, violations: usize) {
    if violations > 0 {
        let labels = [("plugin", report.plugin.clone()), ("severity", severity.to_owned())];
        metrics::counter!("weir_contract_violations_total", &labels).increment(violations as u64);
    }
}

/// The kind and the full name of an object.
pub fn shown(change: &Submission) -> String {
    let subject = &change.subject;
    let path: Vec<&str> = subject.namespace.iter().map(|parent| parent.name.as_str()).collect();
    format!("{} {}", subject.kind, path.into_iter().chain([subject.name.as_str()]).collect::<Vec<_>>().join("."))
}
