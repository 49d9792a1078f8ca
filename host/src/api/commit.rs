//! Commits: what a request would make of a table is decided first, then files are written, then pointers are swapped.

mod proposed;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::audit;
use super::authorize::{Access, Object, Question, Wish, distinct, missing};
use super::contracts::place_of;
use super::documents::{Cached, Snapshots};
use super::extract::{OfTable, RawBody};
use super::idempotent::{Asked, Attempt, Replay, once};
use super::newcomer::{Birth, Newcomer, Place, location_taken, name_taken};
use super::record::{Happened, TabularChange, event};
use super::respond::OnCommit;
use super::vending::{Delegation, FileAccess};
use super::warehouse_settings::WarehouseSettings;
use super::written::{Written, delete_expired};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::commit::{self, Change, Outcome};
use crate::catalog::ident::TableIdent;
use crate::catalog::ids::{TabularId, WarehouseId};
use crate::catalog::metadata::TableMetadata;
use crate::catalog::requests::{CommitTable, TableRequirement, TableUpdate};
use crate::error::Error;
use crate::permit::Permit;
use crate::plugin::Togetherness;
use crate::store::Writer;
use crate::store::rows::{Event, NamespaceRow, Swap, Swapped, Tabular, TabularKind, Warehouse};

/// One table's part in a commit, decided and allowed, nothing written yet.
pub struct Planned {
    permit: Permit,
    step: Step,
}

enum Step {
    /// The updates change nothing: no file, no swap.
    Keep {
        row: Box<Tabular>,
        cached: Arc<Cached>,
    },
    Swap {
        row: Box<Tabular>,
        before: Arc<TableMetadata>,
        change: Box<Change>,
        written: Written,
    },
    /// The commit of a staged creation.
    Create {
        newcomer: Box<Newcomer>,
        actions: Vec<&'static str>,
        after: Arc<TableMetadata>,
        written: Written,
    },
}

/// `POST …/tables/{table}`.
pub async fn commit_table(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let warehouse = target.warehouse;
    let ident = target.ident.or_missing(missing::table)?;
    let operation = format!("commitTable/{}/{}", ident.namespace.key(), ident.name);
    let asked = Asked::new(warehouse, operation, &headers, &body);
    let change = |attempt| commit_once(&app, &caller, (warehouse, ident), (&headers, &body), attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

async fn commit_once(
    app: &App,
    caller: &Caller,
    (warehouse, ident): (WarehouseId, TableIdent),
    (headers, body): (&HeaderMap, &[u8]),
    attempt: Attempt,
) -> Result<Response, Error> {
    let request = CommitTable::parse(body)?;
    refuse_other_identifier(request.identifier.as_ref(), &ident)?;
    let _turn = app.turns.of(warehouse, &ident).await;
    let wanted = Wanted { ident, requirements: &request.requirements, updates: &request.updates };
    let planned = plan(app, caller, warehouse, &[wanted]).await?;
    app.judge_commits(caller, &planned, Togetherness::Each).await?.enforce()?;
    let mut done = carry_out(app, caller, planned, replay_of_one, attempt).await?;
    let (row, cached) = done.remove(0);
    let answer = Answer {
        headers,
        metadata_location: Some(&row.metadata_location),
        config: None,
        etag: Some(answer::etag(
            &row,
            Snapshots::All,
            &FileAccess::default().mark(Delegation::default()),
            Access::ReadWrite,
        )),
        access: None,
    };
    answer.of(&cached, Snapshots::All)
}

fn replay_of_one(ids: &[TabularId]) -> Replay {
    ids.first().map_or(Replay::Empty, |id| Replay::Committed(*id))
}

/// The path names the table; a body that names another is a mistake somewhere.
pub fn refuse_other_identifier(named: Option<&TableIdent>, ident: &TableIdent) -> Result<(), Error> {
    match named {
        Some(named) if named != ident => Err(Error::BadRequest(format!(
            "the path names {ident}, the body names {named}; name the same one or leave it out"
        ))),
        _ => Ok(()),
    }
}

/// What a request wants of one table.
pub struct Wanted<'a> {
    pub ident: TableIdent,
    pub requirements: &'a [TableRequirement],
    pub updates: &'a [TableUpdate],
}

/// What the updates start from.
enum Base {
    Table(Box<Tabular>),
    /// The commit of a staged creation has but a namespace, maybe with something of that name in it.
    Nothing(Box<(Warehouse, NamespaceRow, Option<TabularKind>)>),
}

/// Decides that the caller may do all of it, asked at once, then what the updates make of the tables.
pub async fn plan(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    wanted: &[Wanted<'_>],
) -> Result<Vec<Planned>, Error> {
    let mut bases = Vec::with_capacity(wanted.len());
    for each in wanted {
        bases.push(base_of(app, caller, warehouse, each).await?);
    }
    let questions: Vec<Question<'_>> = wanted.iter().zip(&bases).map(|(each, base)| each.question(base)).collect();
    let permits = app.authorize_all(caller, &questions).await?;
    let mut planned = Vec::with_capacity(wanted.len());
    for ((each, base), permit) in wanted.iter().zip(&bases).zip(permits) {
        let step = match base {
            Base::Table(row) => plan_change(app, row, each).await?,
            Base::Nothing(place) => plan_creation(app, place, each).await?,
        };
        planned.push(Planned { permit, step });
    }
    Ok(planned)
}

async fn base_of(app: &App, caller: &Caller, warehouse: WarehouseId, wanted: &Wanted<'_>) -> Result<Base, Error> {
    let ident = &wanted.ident;
    // That a name is taken is told to those alone who may create something there.
    if commit::is_create(wanted.requirements)? {
        return Ok(Base::Nothing(Box::new(app.standing(caller, warehouse, &ident.namespace, &ident.name).await?)));
    }
    Ok(Base::Table(Box::new(app.tabular(caller, warehouse, ident, TabularKind::Table).await?)))
}

impl Wanted<'_> {
    fn question<'a>(&'a self, base: &'a Base) -> Question<'a> {
        match base {
            Base::Table(row) => Question::new(Action::TableCommit, Object::Tabular(row)).wishing(Wish {
                update_kinds: distinct(self.updates.iter().map(TableUpdate::action)),
                refs: distinct(self.updates.iter().filter_map(TableUpdate::reference)),
                changed_properties: distinct(self.updates.iter().flat_map(TableUpdate::properties)),
                ..Wish::default()
            }),
            Base::Nothing(place) => {
                Question::new(Action::NamespaceCreateTable, Object::Namespace(&place.1)).naming(&self.ident.name)
            }
        }
    }
}

async fn plan_change(app: &App, row: &Tabular, wanted: &Wanted<'_>) -> Result<Step, Error> {
    let (row, cached) = app.document(row).await?;
    let step = change_table(app, row, cached, wanted)?;
    step.check_policy(app).await?;
    Ok(step)
}

fn change_table(app: &App, row: Tabular, cached: Arc<Cached>, wanted: &Wanted<'_>) -> Result<Step, Error> {
    let before = cached.parsed()?;
    let base = commit::Base { metadata: &before, metadata_location: &row.metadata_location };
    Ok(match commit::commit(base, wanted.requirements, wanted.updates, app.clock.now_ms())? {
        Outcome::Unchanged => Step::Keep { row: Box::new(row), cached },
        Outcome::Changed(change) => {
            let file = change.after.file_location(Some(&row.metadata_location), Uuid::new_v4())?;
            let written = Written::table(&change.after, file)?;
            Step::Swap { row: Box::new(row), before, change, written }
        }
    })
}

/// The commit of a staged creation: nothing is known of it but what its updates say.
async fn plan_creation(
    app: &App,
    (warehouse, namespace, holder): &(Warehouse, NamespaceRow, Option<TabularKind>),
    wanted: &Wanted<'_>,
) -> Result<Step, Error> {
    match holder {
        None => {}
        Some(TabularKind::Table) => return Err(commit::table_exists()),
        Some(TabularKind::View) => return Err(name_taken(TabularKind::Table, TabularKind::View, &wanted.ident)),
    }
    let now_ms = app.clock.now_ms();
    let uuid = Uuid::now_v7();
    let unsaid = Place::default(warehouse, namespace, uuid)?;
    let after = commit::create_from_updates(wanted.updates, uuid, &unsaid.location, now_ms)?;
    WarehouseSettings::from_stored(&warehouse.settings)?.check_format_version(after.format_version())?;
    let place = Place::chosen(warehouse, after.location())?;
    let file = after.file_location(None, Uuid::new_v4())?;
    let written = Written::table(&after, file)?;
    let birth = table_birth(&after, &written, now_ms);
    let newcomer = Box::new(Newcomer::new(warehouse, namespace, &wanted.ident, place, &birth));
    let actions = wanted.updates.iter().map(TableUpdate::action).collect();
    Ok(Step::Create { newcomer, actions, after: Arc::new(after), written })
}

/// What the row of a new table takes from its metadata.
pub fn table_birth<'a>(metadata: &TableMetadata, written: &'a Written, now_ms: i64) -> Birth<'a> {
    Birth {
        kind: TabularKind::Table,
        uuid: metadata.uuid(),
        format_version: metadata.format_version(),
        metadata_location: &written.metadata_location,
        now_ms,
    }
}

/// Writes the files, then makes all changes in one transaction; none of them happens unless all do.
///
/// Tables are taken in the order of their ids, so that transactions which cross never wait for each other in a circle.
pub async fn carry_out(
    app: &App,
    caller: &Caller,
    planned: Vec<Planned>,
    replay: impl FnOnce(&[TabularId]) -> Replay,
    attempt: Attempt,
) -> Result<Vec<(Tabular, Arc<Cached>)>, Error> {
    let written: Vec<&Written> = planned.iter().filter_map(|plan| plan.step.written()).collect();
    Written::write_all(app, attempt.warehouse(), &written).await?;
    let outcome = swap_all(app, &planned, replay, &attempt).await;
    Written::settle(app, attempt.warehouse(), &written, outcome).await?;
    metrics::counter!("weir_commits_total", "outcome" => "committed").increment(1);
    let mut done = Vec::with_capacity(planned.len());
    for plan in planned {
        if let Step::Create { newcomer, .. } = &plan.step {
            app.tell_created(caller, Object::Tabular(&newcomer.row)).await;
        }
        done.push(plan.step.finish(app).await);
    }
    Ok(done)
}

async fn swap_all(
    app: &App,
    planned: &[Planned],
    replay: impl FnOnce(&[TabularId]) -> Replay,
    attempt: &Attempt,
) -> Result<(), Error> {
    let Some(first) = planned.first() else { return Ok(()) };
    let ids: Vec<TabularId> = planned.iter().map(|plan| plan.step.id()).collect();
    let mut in_order: Vec<&Planned> = planned.iter().collect();
    in_order.sort_by_key(|plan| plan.step.id());

    let rows = planned.iter().map(|plan| plan.step.row());
    let within = (first.step.row().warehouse_id, first.step.row().warehouse_version);
    let mut writer = app.begin_in_place(&first.permit, within, rows.map(place_of)).await?;
    attempt.record(&mut writer, StatusCode::OK, replay(&ids)).await?;
    for plan in in_order {
        plan.apply(&mut writer, app.clock.now_ms()).await?;
    }
    audit::store_with(&mut writer, app.clock.now_ms()).await?;
    writer.commit().await
}

impl Step {
    /// What the warehouse says to a table that moves or changes its format; other commits need not ask it.
    async fn check_policy(&self, app: &App) -> Result<(), Error> {
        let Self::Swap { row, change, .. } = self else { return Ok(()) };
        let upgraded = change.after.format_version() != row.format_version;
        if change.location.is_none() && !upgraded {
            return Ok(());
        }
        let warehouse = app.active_warehouse(row.warehouse_id).await?;
        if let Some(location) = &change.location {
            Place::chosen(&warehouse, location.as_str())?;
        }
        WarehouseSettings::from_stored(&warehouse.settings)?.check_format_version(change.after.format_version())
    }

    fn row(&self) -> &Tabular {
        match self {
            Self::Keep { row, .. } | Self::Swap { row, .. } => row,
            Self::Create { newcomer, .. } => &newcomer.row,
        }
    }

    fn id(&self) -> TabularId {
        self.row().id
    }

    fn written(&self) -> Option<&Written> {
        match self {
            Self::Keep { .. } => None,
            Self::Swap { written, .. } | Self::Create { written, .. } => Some(written),
        }
    }

    /// The row as it is now, its document kept for the next reader.
    async fn finish(self, app: &App) -> (Tabular, Arc<Cached>) {
        match self {
            Self::Keep { row, cached } => (*row, cached),
            Self::Swap { mut row, change, written, .. } => {
                row.version += 1;
                row.metadata_location = written.metadata_location.to_string();
                row.format_version = change.after.format_version();
                row.location = change.location.clone().unwrap_or(row.location);
                delete_expired(app, row.warehouse_id, &change.after, &change.log_removed).await;
                let cached = app.documents.put(&row, written.into_cached().with_parsed(Arc::new(change.after))).await;
                (*row, cached)
            }
            Self::Create { newcomer, after, written, .. } => {
                let cached = app.documents.put(&newcomer.row, written.into_cached().with_parsed(after)).await;
                (newcomer.row, cached)
            }
        }
    }
}

impl Planned {
    async fn apply(&self, writer: &mut Writer, now_ms: i64) -> Result<(), Error> {
        match &self.step {
            Step::Keep { .. } => Ok(()),
            Step::Swap { row, change, written, .. } => {
                let refs: Vec<&str> = change.refs_moved.iter().map(|moved| moved.name.as_str()).collect();
                let more = json!({
                    "version": row.version + 1, "metadata-location": written.metadata_location.as_str(),
                    "updates": change.actions, "refs": refs,
                });
                let happened = Happened::to_tabular(TabularChange::Committed, row, more);
                swap(writer, row, (change.as_ref(), written), &event(&self.permit, happened, now_ms)?).await
            }
            Step::Create { newcomer, written, .. } => {
                let happened = Happened::to_tabular(TabularChange::Created, &newcomer.row, json!({}));
                newcomer.insert(writer, &written.document, &event(&self.permit, happened, now_ms)?).await
            }
        }
    }
}

/// Moves the table's pointer, if it is still where it was when the commit was decided; the event goes with it.
async fn swap(
    writer: &mut Writer,
    row: &Tabular,
    (change, written): (&Change, &Written),
    event: &Event,
) -> Result<(), Error> {
    let swap = Swap {
        id: row.id,
        expected_version: row.version,
        expected_metadata_location: &row.metadata_location,
        metadata_location: written.metadata_location.as_str(),
        format_version: change.after.format_version(),
        uuid: change.after.uuid(),
        moved_to: change.location.as_ref(),
        now_ms: event.at_ms,
    };
    match writer.swap_metadata(&swap, &written.document, event).await? {
        Swapped::Done => Ok(()),
        Swapped::LocationTaken(_) => Err(location_taken(change.location.as_ref().unwrap_or(&row.location))),
        Swapped::Lost => {
            metrics::counter!("weir_commits_total", "outcome" => "conflict").increment(1);
            Err(Error::CommitFailed(format!(
                "table {}.{} has moved since it was read for this commit: it is no longer at `{}`; reload and retry",
                row.namespace, row.name, row.metadata_location
            )))
        }
    }
}
