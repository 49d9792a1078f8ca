//! Namespaces: list, create, load, exists, drop, change properties.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::authorize::{Object, Question, Wish, distinct, missing};
use super::contracts::Judgement;
use super::drop::NamespaceDrop;
use super::extract::{InNamespace, InWarehouse, QueryOf, RawBody, namespace_of_query};
use super::idempotent::{Asked, Attempt, Replay, once};
use super::listing::{Listing, PageQuery};
use super::record::{Happened, record};
use super::respond::OnCommit;
use super::{drop, json};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::{NamespaceId, WarehouseId};
use crate::catalog::page;
use crate::error::Error;
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::rows::{NamespaceRow, Properties, Warehouse};

#[derive(Debug, Deserialize)]
pub struct ListQuery {
    parent: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListNamespacesResponse {
    next_page_token: Option<String>,
    namespaces: Vec<Vec<String>>,
    /// Where `returnUuids=true` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_uuids: Option<Vec<Uuid>>,
}

/// `GET /v1/{prefix}/namespaces`: one level, below `parent` or at the top.
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    InWarehouse(warehouse): InWarehouse,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<ListNamespacesResponse>, Error> {
    let warehouse = app.warehouse(&caller, warehouse).await?;
    let above = match query.parent.as_deref().filter(|text| !text.is_empty()) {
        None => {
            app.authorize(&caller, Action::WarehouseListNamespaces, Object::Warehouse(&warehouse)).await?;
            None
        }
        Some(text) => {
            let path = namespace_of_query(text, app.namespace_separator()).map_err(|_| missing::namespace(text))?;
            let row = app.namespace(&caller, warehouse.id, &path).await?;
            app.authorize(&caller, Action::NamespaceListNamespaces, Object::Namespace(&row)).await?;
            Some(row)
        }
    };
    let parent = above.as_ref().map(|row| row.id);
    let below = [warehouse.id.to_string(), parent.map(|id| id.to_string()).unwrap_or_default()];
    let below = below.each_ref().map(String::as_str);
    let of = page::Listing { what: "namespaces", of: &below, caller: caller.id() };
    let mut listing = Listing::start(&app, &query.page, of)?;
    let sight = app.sight_of_namespaces(&caller, &warehouse, above.as_ref()).await?;
    while let Some(limit) = listing.wanted().filter(|_| !sight.is_nothing()) {
        let rows = app.store.namespaces_page(warehouse.id, parent, listing.after(), limit).await?;
        let seen = sight.of_namespaces(&app, &rows).await?;
        let rows = rows.iter().zip(seen).map(|(row, seen)| (row.path.name().to_owned(), row, seen)).collect();
        listing.take(limit, rows, |row: &NamespaceRow| (row.path.parts().to_vec(), row.id.0));
    }
    let (listed, next_page_token) = listing.finish();
    let (namespaces, ids): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
    let namespace_uuids = query.page.return_uuids.then_some(ids);
    Ok(Json(ListNamespacesResponse { next_page_token, namespaces, namespace_uuids }))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CreateNamespaceRequest {
    namespace: Vec<String>,
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    properties: IndexMap<String, String>,
}

/// `POST /v1/{prefix}/namespaces`.
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    InWarehouse(warehouse): InWarehouse,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Error> {
    let asked = Asked::new(warehouse, "createNamespace".into(), &headers, &body);
    once(&app, &caller, asked, |attempt| create_once(&app, &caller, warehouse, &body, attempt)).await
}

async fn create_once(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    body: &[u8],
    attempt: Attempt,
) -> Result<Response, Error> {
    let (permit, row) = plan_creation(app, caller, warehouse, json::parse(body)?).await?;
    app.judge_new_namespace(caller, &row).await?.enforce()?;
    let answer = serde_json::to_string(&CreateNamespaceRequest {
        namespace: row.path.parts().to_vec(),
        properties: row.properties.clone(),
    })
    .map_err(Error::internal)?;

    let mut writer = app.store.begin(&permit).await?;
    attempt.record(&mut writer, StatusCode::OK, Replay::Body(answer.clone())).await?;
    if !writer.insert_namespace(&row).await? {
        return Err(Error::AlreadyExists(format!("Namespace already exists: {}", row.path)));
    }
    let happened = Happened::to_namespace(EventKind::NamespaceCreated, &row);
    record(&mut writer, &permit, happened, row.created_at_ms).await?;
    writer.commit().await?;
    app.tell_created(caller, Object::Namespace(&row)).await;
    Ok(json_text(answer))
}

/// Decides that the caller may create the namespace, then what it would be.
pub async fn plan_creation(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    request: CreateNamespaceRequest,
) -> Result<(Permit, NamespaceRow), Error> {
    let path = Namespace::parse(request.namespace)?;
    app.refuse_reserved(&path)?;
    let warehouse = app.warehouse(caller, warehouse).await?;
    let (permit, parent) = match path.parent() {
        None => {
            let question = Question::new(Action::WarehouseCreateNamespace, Object::Warehouse(&warehouse));
            (app.authorize_question(caller, &question.naming(path.name())).await?, None)
        }
        Some(above) => {
            let row = app.namespace(caller, warehouse.id, &above).await?;
            let question = Question::new(Action::NamespaceCreateNamespace, Object::Namespace(&row));
            (app.authorize_question(caller, &question.naming(path.name())).await?, Some(row))
        }
    };
    let row = new_namespace(&warehouse, path, parent.as_ref(), request.properties, app.clock.now_ms());
    Ok((permit, row))
}

fn new_namespace(
    warehouse: &Warehouse,
    path: Namespace,
    parent: Option<&NamespaceRow>,
    properties: Properties,
    now_ms: i64,
) -> NamespaceRow {
    let id = NamespaceId::new();
    let mut lineage = parent.map(|row| row.lineage.clone()).unwrap_or_default();
    lineage.push(id);
    NamespaceRow {
        id,
        warehouse_id: warehouse.id,
        path,
        lineage,
        properties,
        protected: false,
        version: 1,
        created_at_ms: now_ms,
        updated_at_ms: None,
        warehouse_version: warehouse.version,
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct GetNamespaceResponse {
    namespace: Vec<String>,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    properties: IndexMap<String, String>,
}

/// `GET /v1/{prefix}/namespaces/{namespace}`.
pub async fn load(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
) -> Result<Json<GetNamespaceResponse>, Error> {
    let row = visible(&app, &caller, target).await?;
    Ok(Json(GetNamespaceResponse { namespace: row.path.parts().to_vec(), properties: row.properties }))
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}`.
pub async fn exists(State(app): State<Arc<App>>, caller: Caller, target: InNamespace) -> Result<StatusCode, Error> {
    visible(&app, &caller, target).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn visible(app: &App, caller: &Caller, target: InNamespace) -> Result<NamespaceRow, Error> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let row = app.namespace(caller, target.warehouse, &path).await?;
    app.authorize(caller, Action::NamespaceDescribe, Object::Namespace(&row)).await?;
    Ok(row)
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}`, with Lakekeeper's `recursive`, `force` and `purge`.
pub async fn drop(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    QueryOf(how): QueryOf<NamespaceDrop>,
    headers: HeaderMap,
) -> Result<Response, OnCommit> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let asked = format!("dropNamespace/{}/{how:?}", path.key());
    let asked = Asked::new(target.warehouse, asked, &headers, b"");
    let drop_once = async |attempt: Attempt| {
        let leaving = drop::droppable_namespace(&app, &caller, (target.warehouse, &path), how).await?;
        leaving.judged(&app, &caller).await?.enforce()?;
        drop::namespace(&app, &leaving, how, &attempt).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    Ok(once(&app, &caller, asked, drop_once).await?)
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateNamespacePropertiesRequest {
    #[serde(default)]
    removals: Vec<String>,
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    updates: IndexMap<String, String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UpdateNamespacePropertiesResponse {
    updated: Vec<String>,
    removed: Vec<String>,
    missing: Vec<String>,
}

/// `POST /v1/{prefix}/namespaces/{namespace}/properties`.
pub async fn update_properties(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Error> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let asked = format!("updateProperties/{}", path.key());
    let asked = Asked::new(target.warehouse, asked, &headers, &body);
    once(&app, &caller, asked, |attempt| update_once(&app, &caller, target.warehouse, &path, (&body, attempt))).await
}

async fn update_once(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    path: &Namespace,
    (body, attempt): (&[u8], Attempt),
) -> Result<Response, Error> {
    let planned = plan_update(app, caller, (warehouse, path), json::parse(body)?).await?;
    planned.judged(app, caller).await?.enforce()?;
    let PlannedUpdate { permit, row, properties, response } = planned;
    let now_ms = app.clock.now_ms();
    let answer = serde_json::to_string(&response).map_err(Error::internal)?;
    let mut writer = app.store.begin(&permit).await?;
    attempt.record(&mut writer, StatusCode::OK, Replay::Body(answer.clone())).await?;
    if !writer.set_namespace_properties(row.id, row.version, &properties, now_ms).await? {
        return Err(Error::CommitFailed(format!(
            "the properties of namespace {path} have changed since they were read for this request; retry"
        )));
    }
    let happened = Happened::to_namespace(EventKind::NamespaceUpdated, &row);
    record(&mut writer, &permit, happened, now_ms).await?;
    writer.commit().await?;
    Ok(json_text(answer))
}

/// Properties that a namespace is to get: allowed, nothing written yet.
pub struct PlannedUpdate {
    permit: Permit,
    row: NamespaceRow,
    properties: Properties,
    response: UpdateNamespacePropertiesResponse,
}

impl PlannedUpdate {
    /// What the contracts say to it.
    pub async fn judged(&self, app: &App, caller: &Caller) -> Result<Judgement, Error> {
        app.judge_properties(caller, &self.row, &self.properties).await
    }
}

/// Decides that the caller may change the properties, then what they would be.
pub async fn plan_update(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, &Namespace),
    request: UpdateNamespacePropertiesRequest,
) -> Result<PlannedUpdate, Error> {
    refuse_contradiction(&request)?;
    let row = app.namespace(caller, warehouse, path).await?;
    let changed = request.removals.iter().chain(request.updates.keys()).map(String::as_str);
    let wish = Wish { changed_properties: distinct(changed), ..Wish::default() };
    let question = Question::new(Action::NamespaceUpdateProperties, Object::Namespace(&row)).wishing(wish);
    let permit = app.authorize_question(caller, &question).await?;
    refuse_location_change(&row, &request)?;
    let (properties, response) = apply(row.properties.clone(), request);
    Ok(PlannedUpdate { permit, row, properties, response })
}

fn refuse_contradiction(request: &UpdateNamespacePropertiesRequest) -> Result<(), Error> {
    let removals: HashSet<&String> = request.removals.iter().collect();
    let both: Vec<&str> = request.updates.keys().filter(|key| removals.contains(key)).map(String::as_str).collect();
    if both.is_empty() {
        return Ok(());
    }
    Err(Error::UnprocessableEntity(format!(
        "properties are both updated and removed: {}; ask for one",
        both.join(", ")
    )))
}

/// Tables may lie where the namespace's `location` said when they were created.
fn refuse_location_change(row: &NamespaceRow, request: &UpdateNamespacePropertiesRequest) -> Result<(), Error> {
    const LOCATION: &str = "location";
    let changed = request.updates.get(LOCATION).is_some_and(|new| row.properties.get(LOCATION) != Some(new));
    if changed || request.removals.iter().any(|key| key == LOCATION) {
        return Err(Error::bad_request(format!("the location of namespace {} is set once, at its creation", row.path)));
    }
    Ok(())
}

fn apply(
    mut properties: IndexMap<String, String>,
    request: UpdateNamespacePropertiesRequest,
) -> (IndexMap<String, String>, UpdateNamespacePropertiesResponse) {
    let (mut removed, mut missing) = (Vec::new(), Vec::new());
    for key in request.removals {
        match properties.shift_remove(&key) {
            Some(_) => removed.push(key),
            None if removed.contains(&key) => {}
            None => missing.push(key),
        }
    }
    let updated = request.updates.keys().cloned().collect();
    properties.extend(request.updates);
    (properties, UpdateNamespacePropertiesResponse { updated, removed, missing })
}

fn json_text(answer: String) -> Response {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], answer).into_response()
}
