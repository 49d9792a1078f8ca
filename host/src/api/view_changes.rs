//! Views that come to be or change: created, registered, replaced.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use super::audit;
use super::authorize::{Object, Question, Wish, distinct, missing};
use super::commit::refuse_other_identifier;
use super::contracts::{Judgement, Proposed, place_of};
use super::documents::{Cached, Snapshots};
use super::extract::{InNamespace, OfTable, RawBody};
use super::ground::Ground;
use super::idempotent::{Asked, Attempt, Replay, once};
use super::newcomer::{Birth, Newcomer, Place, location_taken};
use super::record::{Happened, TabularChange, event};
use super::respond::OnCommit;
use super::views::answer;
use super::written::Written;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::difference::{Difference, Operation, Side};
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::WarehouseId;
use crate::catalog::json;
use crate::catalog::location::Location;
use crate::catalog::view::{
    CommitView, CreateView, RegisterView, ViewChange, ViewMetadata, ViewOutcome, ViewUpdate, commit_view, create_view,
    metadata_file,
};
use crate::error::Error;
use crate::permit::Permit;
use crate::store::rows::{Swap, Swapped, Tabular, TabularKind};

/// `POST …/namespaces/{namespace}/views`.
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Error> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let asked = Asked::new(target.warehouse, format!("createView/{}", path.key()), &headers, &body);
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
    let request = CreateView::parse(body)?;
    let drafted = draft(app, caller, (warehouse, path), &request).await?;
    drafted.judged(app).await?.enforce()?;
    let Drafted { ground, newcomer, written, .. } = drafted;
    Written::write_all(app, attempt.warehouse(), &[&written]).await?;
    let inserted = ground.settle(app, &newcomer, (&written, TabularChange::Created), &attempt).await;
    Written::settle(app, attempt.warehouse(), &[&written], inserted).await?;
    let cached = app.documents.put(&newcomer.row, written.into_cached()).await;
    answer(&newcomer.row, &cached, headers)
}

/// A view that could come to be: decided, allowed, nothing written yet.
pub struct Drafted {
    ground: Ground,
    newcomer: Newcomer,
    view: ViewMetadata,
    written: Written,
    operation: Operation,
}

impl Drafted {
    /// What the contracts say to it.
    pub async fn judged(&self, app: &App) -> Result<Judgement, Error> {
        let proposed = self.newcomer.proposed_view(self.operation, &self.view);
        app.judge_one(&self.ground.caller, self.ground.within(), Box::pin(proposed)).await
    }
}

/// Decides that the caller may create it, then what it would be.
pub async fn draft(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, Namespace),
    request: &CreateView,
) -> Result<Drafted, Error> {
    let ground = Ground::of(app, caller, TabularKind::View, (warehouse, path, &request.name)).await?;
    let uuid = Uuid::now_v7();
    let place = match &request.location {
        None => Place::default(&ground.warehouse, &ground.namespace, uuid)?,
        Some(text) => Place::chosen(&ground.warehouse, text)?,
    };
    let now_ms = app.clock.now_ms();
    let view = create_view(request, &place.location, uuid, now_ms)?;
    app.guard_owner(caller, None, &view)?;
    let written = written(&view, metadata_file(&view, None, Uuid::new_v4())?)?;
    let newcomer = ground.newcomer(place, &birth(&view, &written, now_ms));
    Ok(Drafted { ground, newcomer, view, written, operation: Operation::CreateView })
}

/// `POST …/namespaces/{namespace}/register-view`: the file keeps its uuid and its bytes.
pub async fn register(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let asked = Asked::new(target.warehouse, format!("registerView/{}", path.key()), &headers, &body);
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
    let request = RegisterView::parse(body)?;
    let drafted = draft_registration(app, caller, (warehouse, path), &request).await?;
    drafted.judged(app).await?.enforce()?;
    let Drafted { ground, newcomer, written, .. } = drafted;
    // The file is not ours: whatever becomes of the transaction, it stays.
    ground.settle(app, &newcomer, (&written, TabularChange::Registered), &attempt).await?;
    let cached = app.documents.put(&newcomer.row, written.into_cached()).await;
    answer(&newcomer.row, &cached, headers)
}

/// Decides that the caller may register it, then what it would be.
pub async fn draft_registration(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, Namespace),
    request: &RegisterView,
) -> Result<Drafted, Error> {
    let ground = Ground::of(app, caller, TabularKind::View, (warehouse, path, &request.name)).await?;
    let file = Place::chosen(&ground.warehouse, &request.metadata_location)?.location;
    let files = app.own_files(&ground.warehouse).await?;
    let bytes = files.read_metadata(&file, app.config.catalog.metadata_bytes_max).await?;
    // What stands twice would be read in one way by us, in another one by a client.
    json::check(&bytes)?;
    let view = ViewMetadata::parse(&bytes)?;
    app.guard_owner(caller, None, &view)?;
    let place = Place::chosen(&ground.warehouse, view.location())?;
    let written = Written::new(bytes, None, file)?;
    let newcomer = ground.newcomer(place, &birth(&view, &written, app.clock.now_ms()));
    Ok(Drafted { ground, newcomer, view, written, operation: Operation::RegisterView })
}

fn written(view: &ViewMetadata, file: Location) -> Result<Written, Error> {
    Written::new(view.to_bytes()?, None, file)
}

/// What the row of a new view takes from its metadata.
fn birth<'a>(view: &ViewMetadata, written: &'a Written, now_ms: i64) -> Birth<'a> {
    Birth {
        kind: TabularKind::View,
        uuid: view.uuid(),
        format_version: view.format_version(),
        metadata_location: &written.metadata_location,
        now_ms,
    }
}

/// `POST …/views/{view}`.
pub async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let ident = target.ident.clone().or_missing(missing::view)?;
    let operation = format!("replaceView/{}/{}", ident.namespace.key(), ident.name);
    let asked = Asked::new(target.warehouse, operation, &headers, &body);
    let change = |attempt| replace_once(&app, &caller, (target.warehouse, &ident), (&headers, &body), attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

async fn replace_once(
    app: &App,
    caller: &Caller,
    (warehouse, ident): (WarehouseId, &TableIdent),
    (headers, body): (&HeaderMap, &[u8]),
    attempt: Attempt,
) -> Result<Response, Error> {
    let request = CommitView::parse(body)?;
    let planned = plan_replacement(app, caller, (warehouse, ident), &request).await?;
    planned.judged(app, caller).await?.enforce()?;
    let Replacement { permit, row, cached, changed } = planned;
    let Some((_, change)) = changed else {
        let mut writer = app.store.begin(&permit).await?;
        attempt.record(&mut writer, StatusCode::OK, Replay::View(row.id)).await?;
        writer.commit().await?;
        return answer(&row, &cached, headers);
    };
    let (row, cached) = carry_out(app, &permit, row, *change, attempt).await?;
    answer(&row, &cached, headers)
}

/// What a request would make of a view: decided, allowed, nothing written yet.
pub struct Replacement {
    permit: Permit,
    row: Tabular,
    cached: Arc<Cached>,
    /// The view before, with the change; `None` where the updates change nothing.
    changed: Option<(ViewMetadata, Box<ViewChange>)>,
}

impl Replacement {
    /// What the contracts say to it.
    pub async fn judged(&self, app: &App, caller: &Caller) -> Result<Judgement, Error> {
        let Some((before, change)) = &self.changed else { return Ok(app.nothing_to_judge()) };
        let within = (self.row.warehouse_id, self.row.warehouse_version);
        app.judge_one(caller, within, Box::pin(proposed(&self.row, before, change))).await
    }
}

/// Decides that the caller may change the view, then what the updates make of it.
pub async fn plan_replacement(
    app: &App,
    caller: &Caller,
    (warehouse, ident): (WarehouseId, &TableIdent),
    request: &CommitView,
) -> Result<Replacement, Error> {
    refuse_other_identifier(request.identifier.as_ref(), ident)?;
    let row = app.tabular(caller, warehouse, ident, TabularKind::View).await?;
    let question = Question::new(Action::ViewCommit, Object::Tabular(&row)).wishing(wish(&request.updates));
    let permit = app.authorize_question(caller, &question).await?;
    let (row, cached) = app.document(&row).await?;
    let before = base(&cached)?;
    let changed = match commit_view(&before, &request.requirements, &request.updates, app.clock.now_ms())? {
        ViewOutcome::Unchanged => None,
        ViewOutcome::Changed(change) => {
            app.guard_owner(caller, Some(&before), &change.after)?;
            Some((before, change))
        }
    };
    Ok(Replacement { permit, row, cached, changed })
}

/// The change as contracts see it.
async fn proposed<'a>(row: &'a Tabular, before: &ViewMetadata, change: &ViewChange) -> Result<Proposed<'a>, Error> {
    let after = Side::view(Arc::new(change.after.clone()))?;
    let difference = Difference::new(Some(Side::view(Arc::new(before.clone()))?), Some(after));
    let proposed = Proposed::new(Operation::ReplaceView, Object::Tabular(row), difference);
    Ok(Proposed { updates: change.actions.clone(), ..proposed })
}

/// What an authorizer is told of the updates.
fn wish(updates: &[ViewUpdate]) -> Wish<'_> {
    let changed = updates.iter().flat_map(ViewUpdate::properties);
    Wish {
        update_kinds: distinct(updates.iter().map(ViewUpdate::action)),
        changed_properties: distinct(changed),
        ..Wish::default()
    }
}

fn base(cached: &Cached) -> Result<ViewMetadata, Error> {
    ViewMetadata::parse(&cached.plain(Snapshots::All)?)
        .map_err(|problem| Error::internal(anyhow::anyhow!("a stored document cannot be read: {problem}")))
}

/// Writes the file, then moves the pointer.
async fn carry_out(
    app: &App,
    permit: &Permit,
    mut row: Tabular,
    change: ViewChange,
    attempt: Attempt,
) -> Result<(Tabular, Arc<Cached>), Error> {
    let location = Location::parse(change.after.location())?;
    if location != row.location {
        Place::chosen(&app.active_warehouse(row.warehouse_id).await?, location.as_str())?;
    }
    let file = metadata_file(&change.after, Some(&row.metadata_location), Uuid::new_v4())?;
    let written = written(&change.after, file)?;
    Written::write_all(app, attempt.warehouse(), &[&written]).await?;
    let swapped = swap(app, permit, &row, (&change, &location, &written), &attempt).await;
    Written::settle(app, attempt.warehouse(), &[&written], swapped).await?;
    row.version += 1;
    row.location = location;
    row.metadata_location = written.metadata_location.to_string();
    let cached = app.documents.put(&row, written.into_cached()).await;
    Ok((row, cached))
}

async fn swap(
    app: &App,
    permit: &Permit,
    row: &Tabular,
    (change, location, written): (&ViewChange, &Location, &Written),
    attempt: &Attempt,
) -> Result<(), Error> {
    let now_ms = app.clock.now_ms();
    let swap = Swap {
        id: row.id,
        expected_version: row.version,
        expected_metadata_location: &row.metadata_location,
        metadata_location: written.metadata_location.as_str(),
        format_version: change.after.format_version(),
        uuid: change.after.uuid(),
        moved_to: Some(location).filter(|location| **location != row.location),
        now_ms,
    };
    let more = json!({
        "version": row.version + 1, "metadata-location": written.metadata_location.as_str(), "updates": change.actions,
    });
    let event = event(permit, Happened::to_tabular(TabularChange::Committed, row, more), now_ms)?;
    let within = (row.warehouse_id, row.warehouse_version);
    let mut writer = app.begin_in_place(permit, within, [place_of(row)]).await?;
    attempt.record(&mut writer, StatusCode::OK, Replay::View(row.id)).await?;
    match writer.swap_metadata(&swap, &written.document, &event).await? {
        Swapped::Done => {}
        Swapped::LocationTaken(_) => return Err(location_taken(location)),
        Swapped::Lost => {
            return Err(Error::CommitFailed(format!(
                "view {}.{} has moved since it was read for this commit: it is no longer at `{}`; reload and retry",
                row.namespace, row.name, row.metadata_location
            )));
        }
    }
    audit::store_with(&mut writer, now_ms).await?;
    writer.commit().await
}
