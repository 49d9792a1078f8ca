//! Tables that come to be: created, staged, or registered from a file that is there already.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::authorize::{Access, Object, missing};
use super::commit::table_birth;
use super::contracts::Judgement;
use super::documents::{Cached, Snapshots};
use super::drop;
use super::extract::{InNamespace, RawBody};
use super::ground::Ground;
use super::idempotent::{Asked, Attempt, once};
use super::newcomer::{Newcomer, Place, name_taken};
use super::record::TabularChange;
use super::respond::OnCommit;
use super::vending::{Delegation, FileAccess};
use super::warehouse_settings::WarehouseSettings;
use super::written::Written;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::difference::Operation;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::WarehouseId;
use crate::catalog::metadata::TableMetadata;
use crate::catalog::requests::{CreateTable, RegisterTable};
use crate::catalog::{create as law, register};
use crate::error::Error;
use crate::store::rows::{Tabular, TabularKind};

/// `POST …/namespaces/{namespace}/tables`.
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Error> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let asked = Asked::new(target.warehouse, format!("createTable/{}", path.key()), &headers, &body);
    let change = |attempt| create_once(&app, &caller, (target.warehouse, path), (&headers, &body), attempt);
    once(&app, &caller, asked, change).await
}

async fn create_once(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, Namespace),
    (headers, body): (&HeaderMap, &[u8]),
    attempt: Attempt,
) -> Result<Response, Error> {
    // Refused before anything is made, for then it would be too late to say so.
    let delegation = Delegation::of(headers)?;
    let request = CreateTable::parse(body)?;
    let drafted = draft(app, caller, (warehouse, path), &request).await?;
    drafted.judged(app, &request).await?.enforce()?;
    let Drafted { ground, newcomer, metadata, written } = drafted;
    if request.stage_create {
        // A client of an object store needs no folders; one on a local disk (DuckDB) does not make them itself.
        let files = app.own_files(&ground.warehouse).await?;
        files.prepare_folder_of(&written.metadata_location).await?;
        let row = newcomer.row;
        // A place that the client chose is held against all others only when the table is made: no keys until then.
        let access = if request.location.is_none() { Access::ReadWrite } else { Access::None };
        let files = app.file_access(caller, &row, access, delegation).await?;
        let staged = written.into_cached();
        let config = Some(json!(files.config));
        let answer = Answer { headers, metadata_location: None, config, etag: None, access: Some(&files) };
        return answer.of(&staged, Snapshots::All);
    }
    Written::write_all(app, attempt.warehouse(), &[&written]).await?;
    let inserted = ground.settle(app, &newcomer, (&written, TabularChange::Created), &attempt).await;
    Written::settle(app, attempt.warehouse(), &[&written], inserted).await?;
    let cached = app.documents.put(&newcomer.row, written.into_cached().with_parsed(metadata)).await;
    answer_created(app, caller, &newcomer.row, (&cached, headers, delegation)).await
}

/// A table that could come to be: decided, allowed, nothing written yet.
pub struct Drafted {
    ground: Ground,
    newcomer: Newcomer,
    metadata: Arc<TableMetadata>,
    written: Written,
}

impl Drafted {
    /// What the contracts say to its creation.
    pub async fn judged(&self, app: &App, request: &CreateTable) -> Result<Judgement, Error> {
        let operation = if request.stage_create { Operation::StageCreate } else { Operation::Create };
        let proposed = self.newcomer.proposed_table(operation, &self.metadata);
        app.judge_one(&self.ground.caller, self.ground.within(), Box::pin(proposed)).await
    }

    /// What the contracts say to its registration.
    pub async fn judged_registration(&self, app: &App) -> Result<Judgement, Error> {
        let proposed = self.ground.proposed_registration(app, &self.newcomer, &self.metadata);
        app.judge_one(&self.ground.caller, self.ground.within(), Box::pin(proposed)).await
    }
}

/// Decides that the caller may create it, then what it would be.
pub async fn draft(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, Namespace),
    request: &CreateTable,
) -> Result<Drafted, Error> {
    let ground = Ground::of(app, caller, TabularKind::Table, (warehouse, path, &request.name)).await?;
    let uuid = Uuid::now_v7();
    let place = match &request.location {
        None => Place::default(&ground.warehouse, &ground.namespace, uuid)?,
        Some(text) => Place::chosen(&ground.warehouse, text)?,
    };
    let rules = WarehouseSettings::from_stored(&ground.warehouse.settings)?;
    let metadata = law::create(request, &place.location, uuid, rules.new_table_format_version(), app.clock.now_ms())?;
    rules.check_format_version(metadata.format_version())?;
    let file = metadata.file_location(None, Uuid::new_v4())?;
    let written = Written::table(&metadata, file)?;
    let newcomer = ground.newcomer(place, &table_birth(&metadata, &written, app.clock.now_ms()));
    Ok(Drafted { ground, newcomer, metadata: Arc::new(metadata), written })
}

/// The new table with what its maker may do with its files.
async fn answer_created(
    app: &App,
    caller: &Caller,
    row: &Tabular,
    (cached, headers, delegation): (&Cached, &HeaderMap, Delegation),
) -> Result<Response, Error> {
    let (mut access, mut files) = (Access::ReadWrite, FileAccess::default());
    if !delegation.is_empty() {
        // The table is there, whatever becomes of the keys: the client can ask for them again.
        match first_access(app, caller, row, delegation).await {
            Ok(found) => (access, files) = found,
            Err(error) => {
                tracing::warn!(table.id = %row.id, %error, "a new table was answered without access to its files");
            }
        }
    }
    let answer = Answer {
        headers,
        metadata_location: Some(&row.metadata_location),
        config: Some(json!(files.config)),
        etag: Some(answer::etag(row, Snapshots::All, &files.mark(delegation), access)),
        access: Some(&files),
    };
    answer.of(cached, Snapshots::All)
}

async fn first_access(
    app: &App,
    caller: &Caller,
    row: &Tabular,
    delegation: Delegation,
) -> Result<(Access, FileAccess), Error> {
    let (_permit, access) = app.authorize_load(caller, row).await?;
    Ok((access, app.file_access(caller, row, access, delegation).await?))
}

/// `POST …/namespaces/{namespace}/register`: the file keeps its uuid and its bytes.
pub async fn register(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let asked = Asked::new(target.warehouse, format!("registerTable/{}", path.key()), &headers, &body);
    let change = |attempt| register_once(&app, &caller, (target.warehouse, path), (&headers, &body), attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

async fn register_once(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, Namespace),
    (headers, body): (&HeaderMap, &[u8]),
    attempt: Attempt,
) -> Result<Response, Error> {
    let delegation = Delegation::of(headers)?;
    let request = RegisterTable::parse(body)?;
    let drafted = draft_registration(app, caller, (warehouse, path), &request).await?;
    drafted.judged_registration(app).await?.enforce()?;
    let Drafted { ground, newcomer, metadata, written } = drafted;
    // The file is not ours: whatever becomes of the transaction, it stays.
    ground.settle(app, &newcomer, (&written, TabularChange::Registered), &attempt).await?;
    let cached = app.documents.put(&newcomer.row, written.into_cached().with_parsed(metadata)).await;
    answer_created(app, caller, &newcomer.row, (&cached, headers, delegation)).await
}

/// Decides that the caller may register it, then what it would be.
pub async fn draft_registration(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, Namespace),
    request: &RegisterTable,
) -> Result<Drafted, Error> {
    let ground = Ground::even_if_taken(app, caller, TabularKind::Table, (warehouse, path, &request.name)).await?;
    if let Some(holder) = &ground.holder {
        if !request.overwrite || holder.kind == TabularKind::View {
            return Err(name_taken(TabularKind::Table, holder.kind, &ground.ident));
        }
        app.authorize(caller, Action::TableDrop, Object::Tabular(holder)).await?;
        drop::refuse_protected(holder, false)?;
    }
    let file = Place::chosen(&ground.warehouse, &request.metadata_location)?.location;
    let files = app.own_files(&ground.warehouse).await?;
    let bytes = files.read_metadata(&file, app.config.catalog.metadata_bytes_max).await?;
    let metadata = Arc::new(register::register(&bytes)?.metadata);
    WarehouseSettings::from_stored(&ground.warehouse.settings)?.check_format_version(metadata.format_version())?;
    let place = Place::chosen(&ground.warehouse, metadata.location())?;
    let written = Written::as_read(bytes, &metadata, file)?;
    let newcomer = ground.newcomer(place, &table_birth(&metadata, &written, app.clock.now_ms()));
    Ok(Drafted { ground, newcomer, metadata, written })
}
