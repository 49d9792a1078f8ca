//! Reports of engines on their scans or commits: accepted, counted, told to the log.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::authorize::Object;
use super::extract::{JsonBody, OfTable};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::error::Error;

/// `POST …/tables/{table}/metrics`.
pub async fn report(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    JsonBody(report): JsonBody<Value>,
) -> Result<StatusCode, Error> {
    let row = app.table(&caller, target).await?;
    app.authorize(&caller, Action::TableReportMetrics, Object::Tabular(&row)).await?;
    let kind = match report.get("report-type").and_then(Value::as_str) {
        Some(kind @ ("scan-report" | "commit-report")) => kind,
        Some(other) => {
            return Err(Error::BadRequest(format!(
                "report-type `{other}` is not known: expected `scan-report` or `commit-report`"
            )));
        }
        None => return Err(Error::bad_request("report-type is missing: expected `scan-report` or `commit-report`")),
    };
    let counted = if kind == "scan-report" { "scan" } else { "commit" };
    metrics::counter!("weir_engine_reports_total", "kind" => counted).increment(1);
    let snapshot_id = report.get("snapshot-id").and_then(Value::as_i64);
    tracing::info!(
        caller.id = caller.id(),
        table.name = %format_args!("{}.{}", row.namespace, row.name),
        table.id = %row.id,
        report.kind = kind,
        report.snapshot_id = snapshot_id,
        "an engine reported its metrics"
    );
    Ok(StatusCode::NO_CONTENT)
}
