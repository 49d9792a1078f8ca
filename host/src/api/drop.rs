//! Drops of tables, views, namespaces: protection, soft deletion, purge, what must not be dropped.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::authorize::{Object, Question, Wish, missing};
use super::contracts::{Judgement, place_of};
use super::extract::{flag, no_such_warehouse};
use super::idempotent::{Attempt, Replay};
use super::record::{Happened, TabularChange, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{DeleteProfile, Dropped, NamespaceRow, Subtree, Tabular, TabularKind, Warehouse};
use crate::tasks::order::Order;
use crate::tasks::queue::{Expiration, Purge, Queue, payload_text};

/// How a table or a view is dropped: the query of the request.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TabularDrop {
    /// Whether the files go too.
    #[serde(deserialize_with = "flag")]
    pub purge_requested: bool,
    /// Whether protection is overridden.
    #[serde(deserialize_with = "flag")]
    pub force: bool,
}

/// How a namespace is dropped: the query of the request, as in Lakekeeper.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NamespaceDrop {
    /// Whether everything inside goes too.
    #[serde(deserialize_with = "flag")]
    pub recursive: bool,
    /// Whether protection and soft deletion are overridden.
    #[serde(deserialize_with = "flag")]
    pub force: bool,
    /// Whether the files of what is inside go too.
    #[serde(deserialize_with = "flag")]
    pub purge: bool,
}

impl TabularDrop {
    /// What an authorizer is told of it.
    pub fn wish(self) -> Wish<'static> {
        Wish { force: Some(self.force), purge: Some(self.purge_requested), ..Wish::default() }
    }
}

impl NamespaceDrop {
    pub fn wish(self) -> Wish<'static> {
        let (recursive, force, purge) = (Some(self.recursive), Some(self.force), Some(self.purge));
        Wish { recursive, force, purge, ..Wish::default() }
    }
}

/// The most tables and views that one recursive drop takes along; more would hold the writer for too long.
const SUBTREE_MAX: usize = 10_000;

/// A table or a view that the caller may drop so, which nothing stands against but contracts.
pub async fn droppable(
    app: &App,
    caller: &Caller,
    (warehouse, ident, kind): (WarehouseId, &TableIdent, TabularKind),
    how: TabularDrop,
) -> Result<(Tabular, Permit)> {
    let tabular = app.tabular(caller, warehouse, ident, kind).await?;
    let action = match kind {
        TabularKind::Table => Action::TableDrop,
        TabularKind::View => Action::ViewDrop,
    };
    let question = Question::new(action, Object::Tabular(&tabular)).wishing(how.wish());
    let permit = app.authorize_question(caller, &question).await?;
    refuse_protected(&tabular, how.force)?;
    if how.purge_requested {
        refuse_purge_of_shared_files(app, &tabular).await?;
    }
    Ok((tabular, permit))
}

/// Drops a table or a view as the warehouse's delete profile says, files included where asked.
pub async fn tabular(
    app: &App,
    (tabular, permit): (&Tabular, &Permit),
    how: TabularDrop,
    attempt: &Attempt,
) -> Result<()> {
    let warehouse = warehouse_of(app, tabular.warehouse_id).await?;
    let leave = Leave {
        permit,
        project: &warehouse.project_id,
        purge: how.purge_requested,
        force: how.force,
        now_ms: app.clock.now_ms(),
    };
    let within = (tabular.warehouse_id, tabular.warehouse_version);
    let mut writer = app.begin_in_place(permit, within, [place_of(tabular)]).await?;
    attempt.record(&mut writer, StatusCode::NO_CONTENT, Replay::Empty).await?;
    match warehouse.delete_profile {
        DeleteProfile::Hard => leave.for_good(&mut writer, tabular).await?,
        DeleteProfile::Soft { expiration_seconds } => leave.softly(&mut writer, tabular, expiration_seconds).await?,
    }
    writer.commit().await
}

/// A namespace that the caller may drop, with all that goes with it.
pub struct Leaving {
    row: NamespaceRow,
    permit: Permit,
    warehouse: Warehouse,
    subtree: Subtree,
}

impl Leaving {
    /// What the contracts say to it.
    pub async fn judged(&self, app: &App, caller: &Caller) -> Result<Judgement> {
        app.judge_subtree(caller, &self.row, &self.subtree).await
    }
}

/// Decides that the caller may drop the namespace so, which nothing stands against but contracts.
pub async fn droppable_namespace(
    app: &App,
    caller: &Caller,
    (warehouse, path): (WarehouseId, &Namespace),
    how: NamespaceDrop,
) -> Result<Leaving> {
    let row = app.namespace(caller, warehouse, path).await?;
    let question = Question::new(Action::NamespaceDrop, Object::Namespace(&row)).wishing(how.wish());
    let permit = app.authorize_question(caller, &question).await?;
    if row.protected && !how.force {
        return Err(Error::Conflict(format!(
            "namespace {} is protected: lift its protection through the management API, or drop it with `force=true`",
            row.path
        )));
    }
    let warehouse = warehouse_of(app, row.warehouse_id).await?;
    let subtree = match how.recursive {
        true => droppable_subtree(app, caller, (&warehouse, &row), how).await?,
        false => Subtree { namespaces: vec![row.clone()], tabulars: Vec::new() },
    };
    Ok(Leaving { row, permit, warehouse, subtree })
}

/// Drops a namespace that is empty, or with `recursive` all that it holds.
pub async fn namespace(app: &App, leaving: &Leaving, how: NamespaceDrop, attempt: &Attempt) -> Result<()> {
    let Leaving { permit, warehouse, subtree, .. } = leaving;
    let leave = Leave {
        permit,
        project: &warehouse.project_id,
        purge: how.purge,
        force: how.force,
        now_ms: app.clock.now_ms(),
    };
    let mut writer = app.store.begin(permit).await?;
    attempt.record(&mut writer, StatusCode::NO_CONTENT, Replay::Empty).await?;
    for tabular in &subtree.tabulars {
        leave.for_good(&mut writer, tabular).await?;
    }
    for below in &subtree.namespaces {
        drop_empty_namespace(&mut writer, below, how.force).await?;
        let happened = Happened::to_namespace(EventKind::NamespaceDropped, below);
        record(&mut writer, permit, happened, leave.now_ms).await?;
    }
    writer.commit().await
}

async fn warehouse_of(app: &App, id: WarehouseId) -> Result<Warehouse> {
    app.store.warehouse(id).await?.ok_or_else(|| no_such_warehouse(&id.to_string()))
}

async fn drop_empty_namespace(writer: &mut Writer, row: &NamespaceRow, force: bool) -> Result<()> {
    if writer.delete_namespace(row.id, &row.path, force).await? {
        return Ok(());
    }
    Err(Error::NamespaceNotEmpty(format!(
        "Namespace {} is not empty, or was moved or protected meanwhile: drop what it holds first (soft-deleted tables and \
         views count), or drop it with `recursive=true`",
        row.path
    )))
}

/// All that goes with a recursive drop, or why it must not.
async fn droppable_subtree(
    app: &App,
    caller: &Caller,
    (warehouse, row): (&Warehouse, &NamespaceRow),
    how: NamespaceDrop,
) -> Result<Subtree> {
    let subtree = app.store.subtree(row.warehouse_id, &row.path).await?;
    let size = subtree.tabulars.len();
    if size > SUBTREE_MAX {
        return Err(Error::Conflict(format!(
            "namespace {} holds {size} tables and views, more than the {SUBTREE_MAX} that one recursive drop takes; \
             drop the namespaces inside one by one",
            row.path
        )));
    }
    authorize_subtree(app, caller, &subtree, how).await?;
    if !how.force {
        refuse_protected_subtree(&subtree)?;
        refuse_soft_profile(warehouse, row, size)?;
    }
    if how.purge {
        for tabular in &subtree.tabulars {
            refuse_purge_of_shared_files(app, tabular).await?;
        }
    }
    Ok(subtree)
}

/// A recursive drop is as many drops: whoever may not drop one of the things inside may not drop them all.
async fn authorize_subtree(app: &App, caller: &Caller, subtree: &Subtree, how: NamespaceDrop) -> Result<()> {
    let each = TabularDrop { purge_requested: how.purge, force: how.force };
    let inside = subtree
        .namespaces
        .iter()
        .rev()
        .skip(1)
        .map(|below| Question::new(Action::NamespaceDrop, Object::Namespace(below)).wishing(how.wish()));
    let tabulars = subtree.tabulars.iter().map(|tabular| {
        let action = match tabular.kind {
            TabularKind::Table => Action::TableDrop,
            TabularKind::View => Action::ViewDrop,
        };
        Question::new(action, Object::Tabular(tabular)).wishing(each.wish())
    });
    let questions: Vec<Question<'_>> = inside.chain(tabulars).collect();
    match app.authorize_all(caller, &questions).await {
        Ok(_) => Ok(()),
        Err(error @ (Error::Unavailable { .. } | Error::Internal(_))) => Err(error),
        // Which one it is may be hidden from the caller.
        Err(_) => Err(Error::Forbidden(format!(
            "{} may not drop everything inside the namespace; drop what may be dropped one by one",
            caller.id()
        ))),
    }
}

fn refuse_protected_subtree(subtree: &Subtree) -> Result<()> {
    if let Some(below) = subtree.namespaces.iter().find(|below| below.protected) {
        return Err(Error::Conflict(format!(
            "namespace {} is protected: lift its protection, or drop with `force=true`",
            below.path
        )));
    }
    subtree.tabulars.iter().try_for_each(|tabular| refuse_protected(tabular, false))
}

/// A soft-deleted table needs its namespace to come back to.
fn refuse_soft_profile(warehouse: &Warehouse, row: &NamespaceRow, size: usize) -> Result<()> {
    if size == 0 || warehouse.delete_profile == DeleteProfile::Hard {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "namespace {} holds {size} tables and views, and its warehouse keeps what is dropped for a while, which a \
         dropped namespace cannot: drop them first and let them expire, or drop at once with `force=true`",
        row.path
    )))
}

/// 409 where the table or view is protected and the caller does not override that.
pub fn refuse_protected(tabular: &Tabular, force: bool) -> Result<()> {
    if !tabular.protected || force {
        return Ok(());
    }
    Err(is_protected(tabular))
}

fn is_protected(tabular: &Tabular) -> Error {
    Error::Conflict(format!(
        "{} {}.{} is protected: lift its protection through the management API, or drop it with `force=true`",
        tabular.kind.as_str(),
        tabular.namespace,
        tabular.name
    ))
}

/// `gc.enabled=false` says that the files belong to others too; they are never deleted.
async fn refuse_purge_of_shared_files(app: &App, tabular: &Tabular) -> Result<()> {
    if tabular.kind == TabularKind::View {
        return Ok(());
    }
    let (_, document) = app.document(tabular).await?;
    if document.parsed()?.property("gc.enabled").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        return Err(Error::BadRequest(format!(
            "table {}.{} has `gc.enabled=false`: its files may be used elsewhere, so they are not purged; drop it \
             without `purgeRequested`, or set `gc.enabled` to true first",
            tabular.namespace, tabular.name
        )));
    }
    Ok(())
}

/// How tables and views leave in one request.
struct Leave<'a> {
    permit: &'a Permit,
    project: &'a ProjectId,
    purge: bool,
    /// Although it is protected.
    force: bool,
    now_ms: i64,
}

impl Leave<'_> {
    async fn for_good(&self, writer: &mut Writer, tabular: &Tabular) -> Result<()> {
        done(writer.drop_tabular(tabular.seen(self.force)).await?, tabular)?;
        if self.purge {
            let purge = payload_text(&Purge { location: tabular.location.as_str().to_owned() })?;
            self.enqueue(writer, tabular, Queue::TabularPurge, (purge, self.now_ms)).await?;
        }
        let happened = Happened::to_tabular(TabularChange::Dropped, tabular, json!({"purge": self.purge}));
        record(writer, self.permit, happened, self.now_ms).await
    }

    async fn softly(&self, writer: &mut Writer, tabular: &Tabular, expiration_seconds: i64) -> Result<()> {
        let expires_at_ms = self.now_ms.saturating_add(expiration_seconds.saturating_mul(1_000));
        done(writer.soft_delete(tabular.seen(self.force), (self.now_ms, expires_at_ms)).await?, tabular)?;
        let expiration = payload_text(&Expiration { deleted_at_ms: self.now_ms, purge: self.purge })?;
        self.enqueue(writer, tabular, Queue::SoftDeletion, (expiration, expires_at_ms)).await?;
        let more = json!({"purge": self.purge, "expires-at-ms": expires_at_ms});
        let happened = Happened::to_tabular(TabularChange::SoftDeleted, tabular, more);
        record(writer, self.permit, happened, self.now_ms).await
    }

    async fn enqueue(
        &self,
        writer: &mut Writer,
        tabular: &Tabular,
        queue: Queue,
        (payload, scheduled_for_ms): (String, i64),
    ) -> Result<()> {
        let order = Order { project: self.project, queue, payload, scheduled_for_ms };
        if writer.enqueue_task(&order.about(tabular, self.now_ms)?).await? {
            return Ok(());
        }
        Err(Error::CommitFailed(format!(
            "the background work of an earlier drop of {} {}.{} is just ending; retry",
            tabular.kind.as_str(),
            tabular.namespace,
            tabular.name
        )))
    }
}

fn done(dropped: Dropped, tabular: &Tabular) -> Result<()> {
    match dropped {
        Dropped::Done => Ok(()),
        Dropped::Gone => Err(missing::tabular(tabular.kind, format!("{}.{}", tabular.namespace, tabular.name))),
        Dropped::Protected => Err(is_protected(tabular)),
    }
}
