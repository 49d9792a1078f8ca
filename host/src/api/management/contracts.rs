//! What data contracts would say to a change, for a producer's CI: nothing is changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::Ids;
use crate::api::commit::{Wanted, plan};
use crate::api::contracts::Judgement;
use crate::api::create::{draft, operation};
use crate::api::extract::RawBody;
use crate::api::tables::TableIdentifier;
use crate::api::transactions::{named, wanted};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::WarehouseId;
use crate::catalog::json::{self, Text};
use crate::catalog::requests::{CommitTable, CommitTransaction, CreateTable};
use crate::error::{Error, Result};
use crate::plugin::Togetherness;

/// The change, in the words of the Iceberg REST API: a commit (`identifier`, `requirements`, `updates`), a transaction
/// (`table-changes`), or a creation (`namespace`, `create`).
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckContractsRequest {
    /// The table that the commit is about.
    #[schema(value_type = Option<TableIdentifier>)]
    identifier: Option<IgnoredAny>,
    #[schema(value_type = Option<Vec<Object>>)]
    requirements: Option<IgnoredAny>,
    #[schema(value_type = Option<Vec<Object>>)]
    updates: Option<IgnoredAny>,
    /// The commits of a transaction.
    #[schema(value_type = Option<Vec<Object>>)]
    table_changes: Option<IgnoredAny>,
    /// Where the new table is to lie.
    namespace: Option<Vec<String>>,
    /// The body of a request to create a table.
    #[schema(value_type = Option<Object>)]
    create: Option<Text>,
}

impl CheckContractsRequest {
    /// Of a body that names two changes nobody knows which one is meant.
    fn refuse_two_changes(&self) -> Result<()> {
        let is_commit = self.identifier.is_some() || self.requirements.is_some() || self.updates.is_some();
        let named = [is_commit, self.table_changes.is_some(), self.create.is_some()];
        if named.into_iter().filter(|is_named| *is_named).count() < 2 {
            return Ok(());
        }
        Err(Error::bad_request("the body names more than one change: send a commit, `table-changes`, or `create`"))
    }
}

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
    let judgement = judgement(&app, &caller, warehouse, &body).await?;
    let message = match judgement.enforce() {
        Ok(()) => None,
        Err(Error::ContractViolation(message)) => Some(message),
        Err(error) => return Err(error),
    };
    Ok(Json(answer(&judgement, message)))
}

/// The same steps as the change takes, up to its first write.
async fn judgement(app: &App, caller: &Caller, warehouse: WarehouseId, body: &[u8]) -> Result<Judgement> {
    let request: CheckContractsRequest = serde_json::from_str(json::check(body)?)
        .map_err(|error| Error::BadRequest(format!("this is no change to be checked: {error}")))?;
    request.refuse_two_changes()?;
    if let Some(create) = &request.create {
        let path = Namespace::parse(request.namespace.unwrap_or_default())?;
        let create = CreateTable::parse(create.as_str().as_bytes())?;
        let drafted = draft(app, caller, (warehouse, path), &create).await?;
        let proposed = drafted.newcomer.proposed_table(operation(&create), &drafted.metadata);
        let alone = async { Ok(vec![proposed.await?]) };
        return app.judge_changes(caller, drafted.ground.within(), Togetherness::Each, alone).await;
    }
    if request.table_changes.is_some() {
        let changes = named(app, CommitTransaction::parse(body)?)?;
        let planned = plan(app, caller, warehouse, &wanted(&changes)).await?;
        return app.judge_commits(caller, &planned, Togetherness::Transaction).await;
    }
    let CommitTable { identifier, requirements, updates } = CommitTable::parse(body)?;
    let ident = identifier.ok_or_else(|| {
        Error::bad_request(
            "no change is named: send a commit with its `identifier`, `table-changes`, or `namespace` with `create`",
        )
    })?;
    let wanted = Wanted { ident, requirements: &requirements, updates: &updates };
    let planned = plan(app, caller, warehouse, &[wanted]).await?;
    app.judge_commits(caller, &planned, Togetherness::Each).await
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
