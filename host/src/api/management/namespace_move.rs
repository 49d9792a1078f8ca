//! Moves of namespaces: another name, another place in the tree; what is inside comes along.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use crate::api::authorize::{Object, Question, Wish, missing};
use crate::api::contracts::MoveJudgement;
use crate::api::extract::JsonBody;
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::{NamespaceId, WarehouseId};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::rows::{MoveNamespace, MovedNamespace, NamespaceRow, Warehouse};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveNamespaceRequest {
    /// The whole new path: the last part is the new name, the parts before it name the new parent.
    pub destination: Vec<String>,
    /// Move the namespace even if it is protected.
    #[serde(default)]
    pub force: bool,
}

/// The namespace after the move.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MoveNamespaceResponse {
    pub namespace: Vec<String>,
    pub namespace_id: Uuid,
    /// None at the top of the warehouse.
    pub parent_namespace_id: Option<Uuid>,
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/namespace/{namespace_id}/move", tag = "warehouse",
    summary = "Move a Namespace", params(("warehouse_id" = Uuid, Path), ("namespace_id" = Uuid, Path)),
    request_body = MoveNamespaceRequest,
    responses((status = 200, body = MoveNamespaceResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn move_namespace(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((warehouse, id)): Ids<(WarehouseId, NamespaceId)>,
    JsonBody(request): JsonBody<MoveNamespaceRequest>,
) -> Result<Json<MoveNamespaceResponse>> {
    let planned = plan_move(&app, &caller, (warehouse, id), request).await?;
    let MoveJudgement { judgement, inside } = planned.judged(&app, &caller).await?;
    judgement.enforce()?;
    let PlannedMove { permit, row, path, arrival } = &planned;
    let Some(above) = arrival else {
        return Ok(answer(path, id, row.lineage.iter().rev().nth(1).copied()));
    };
    let (above, now_ms) = (above.as_ref(), app.clock.now_ms());
    let to = MoveNamespace { from: row, above, path, inside: inside.as_deref(), now_ms };
    carry_out(&app, permit, &to).await?;
    Ok(answer(path, id, above.map(|above| above.id)))
}

/// A move that is allowed, nothing written yet.
pub struct PlannedMove {
    permit: Permit,
    row: NamespaceRow,
    path: Namespace,
    /// The namespace that it is to lie in, if any; `None` where it lies there already.
    arrival: Option<Option<NamespaceRow>>,
}

impl PlannedMove {
    /// What the contracts say to it.
    pub async fn judged(&self, app: &App, caller: &Caller) -> Result<MoveJudgement> {
        match &self.arrival {
            Some(above) => app.judge_move(caller, &self.row, (above.as_ref(), &self.path)).await,
            None => Ok(MoveJudgement { judgement: app.nothing_to_judge(), inside: None }),
        }
    }
}

/// Decides that the caller may move the namespace so.
pub async fn plan_move(
    app: &App,
    caller: &Caller,
    (warehouse, id): (WarehouseId, NamespaceId),
    request: MoveNamespaceRequest,
) -> Result<PlannedMove> {
    let path = Namespace::parse(request.destination)?;
    let (warehouse, _) = warehouse_for(app, caller, warehouse, Action::WarehouseDescribe).await?;
    let row = app.store.namespace_by_id(warehouse.id, id).await?.ok_or_else(|| missing::namespace(id))?;
    let above = path.parent();
    let wish =
        Wish { name: Some(path.name()), namespace: above.as_ref(), force: Some(request.force), ..Wish::default() };
    let question = Question::new(Action::NamespaceMove, Object::Namespace(&row)).by_id(id.0).wishing(wish);
    let permit = app.authorize_question(caller, &question).await?;
    if path == row.path {
        return Ok(PlannedMove { permit, row, path, arrival: None });
    }
    refuse_move(app, &row, &path, request.force)?;
    let above = match &above {
        Some(above) => Some(namespace_above(app, caller, &warehouse, above).await?),
        None => None,
    };
    authorize_arrival(app, caller, &warehouse, above.as_ref(), path.name()).await?;
    Ok(PlannedMove { permit, row, path, arrival: Some(above) })
}

fn answer(path: &Namespace, id: NamespaceId, above: Option<NamespaceId>) -> Json<MoveNamespaceResponse> {
    Json(MoveNamespaceResponse {
        namespace: path.parts().to_vec(),
        namespace_id: id.0,
        parent_namespace_id: above.map(|above| above.0),
    })
}

/// What no namespace may do, whoever asks.
fn refuse_move(app: &App, row: &NamespaceRow, path: &Namespace, force: bool) -> Result<()> {
    app.refuse_reserved(path)?;
    if path.parts().starts_with(row.path.parts()) {
        return Err(Error::BadRequest(format!("namespace {} cannot move below itself, to {path}", row.path)));
    }
    if row.protected && !force {
        return Err(Error::Conflict(format!(
            "namespace {} is protected: lift its protection, or move it with `\"force\": true`",
            row.path
        )));
    }
    Ok(())
}

async fn namespace_above(app: &App, caller: &Caller, warehouse: &Warehouse, path: &Namespace) -> Result<NamespaceRow> {
    match app.store.namespace(warehouse.id, path).await? {
        Some(row) => Ok(row),
        None => {
            app.absent_namespace(caller, warehouse, path).await?;
            Err(missing::namespace(path))
        }
    }
}

/// A namespace arrives with all that it holds, so the right to create an empty one is not enough.
async fn authorize_arrival(
    app: &App,
    caller: &Caller,
    warehouse: &Warehouse,
    above: Option<&NamespaceRow>,
    name: &str,
) -> Result<()> {
    let (object, actions) = match above {
        Some(row) => (Object::Namespace(row), [Action::NamespaceCreateNamespace, Action::NamespaceAcceptNamespace]),
        None => (Object::Warehouse(warehouse), [Action::WarehouseCreateNamespace, Action::WarehouseAcceptNamespace]),
    };
    let questions = actions.map(|action| Question::new(action, object).naming(name));
    app.authorize_all(caller, &questions).await.map(drop)
}

async fn carry_out(app: &App, permit: &Permit, to: &MoveNamespace<'_>) -> Result<()> {
    let MoveNamespace { from: row, path, now_ms, .. } = *to;
    let mut writer = app.store.begin(permit).await?;
    match writer.move_namespace(to).await? {
        MovedNamespace::Done => {}
        MovedNamespace::NameTaken => return Err(Error::AlreadyExists(format!("Namespace already exists: {path}"))),
        MovedNamespace::HasChildren => {
            return Err(Error::Conflict(format!(
                "namespace {} holds namespaces, so it cannot move: move or drop those first",
                row.path
            )));
        }
        MovedNamespace::HoldsOther => {
            return Err(Error::Conflict(format!(
                "what namespace {} holds has changed since data contracts judged its move; retry",
                row.path
            )));
        }
        MovedNamespace::Lost => {
            return Err(Error::Conflict(format!(
                "namespace {}, or the one that it was to move to, has changed meanwhile; look again and retry",
                row.path
            )));
        }
    }
    let mut happened = Happened::to_namespace(EventKind::NamespaceMoved, row);
    happened.data["to"] = json!(path.parts());
    record(&mut writer, permit, happened, now_ms).await?;
    writer.commit().await
}
