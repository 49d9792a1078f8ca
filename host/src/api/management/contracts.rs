//! What data contracts would say to a change, for a producer's CI: nothing is changed.

mod judged;
mod request;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::Ids;
use crate::api::contracts::Judgement;
use crate::api::extract::RawBody;
use crate::api::json;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::WarehouseId;
use crate::error::{Error, Result};

pub use request::CheckContractsRequest;

/// What the contracts say. Where one of them cannot judge, the answer is 503, as the change's would be 503 or 429.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckContractsResponse {
    /// `passed`, or `violated` where the change would be refused.
    pub verdict: &'static str,
    /// The number of the set of plugins that judged.
    pub generation: u64,
    /// Warnings too, which stop nothing.
    pub violations: Vec<ContractViolation>,
    /// How many more there are, which are not told: the answer would be too long.
    pub untold: usize,
    /// What the refused change would be answered.
    pub message: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ContractViolation {
    /// The object that it is about; absent where it is about the whole transaction.
    pub object: Option<String>,
    pub plugin: String,
    /// The sha256 of the plugin.
    pub digest: String,
    pub rule: String,
    pub message: String,
    /// `block` or `warn`.
    pub severity: &'static str,
    /// The column or the property that it is about.
    pub path: Option<String>,
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/contracts/check", tag = "contracts",
    summary = "Check Contracts", params(("warehouse_id" = uuid::Uuid, Path)), request_body = CheckContractsRequest,
    responses((status = 200, body = CheckContractsResponse), (status = "4XX", body = ErrorResponse),
        (status = 503, body = ErrorResponse)))]
pub async fn check_contracts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(warehouse): Ids<WarehouseId>,
    RawBody(body): RawBody,
) -> Result<Json<CheckContractsResponse>> {
    let request: CheckContractsRequest = json::parse(&body)?;
    let judgement = judged::judged(&app, &caller, warehouse, (request.change()?, &body)).await?;
    let message = match judgement.enforce() {
        Ok(()) => None,
        Err(Error::ContractViolation(message)) => Some(message),
        Err(error) => return Err(error),
    };
    Ok(Json(answer(&judgement, message)))
}

fn answer(judgement: &Judgement, message: Option<String>) -> CheckContractsResponse {
    let violations = judgement.violations.iter().map(|violated| ContractViolation {
        object: judgement.subject(violated).map(str::to_owned),
        plugin: violated.plugin.clone(),
        digest: violated.digest.clone(),
        rule: violated.finding.rule.clone(),
        message: violated.finding.message.clone(),
        severity: if violated.finding.blocks { "block" } else { "warn" },
        path: violated.finding.path.clone(),
    });
    CheckContractsResponse {
        verdict: judgement.verdict().as_str(),
        generation: judgement.generation,
        violations: violations.collect(),
        untold: judgement.untold.blocking + judgement.untold.warnings,
        message,
    }
}
