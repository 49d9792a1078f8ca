//! What a new table or view stands on, found out before anything is made.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;

use super::audit;
use super::authorize::{Object, Question};
use super::contracts::Proposed;
use super::idempotent::{Attempt, Replay};
use super::newcomer::{Birth, Newcomer, Place, name_taken};
use super::record::{Happened, TabularChange, event, record};
use super::written::Written;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::difference::{Difference, Operation, Side};
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::WarehouseId;
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;
use crate::permit::Permit;
use crate::store::rows::{Dropped, NamespaceRow, Tabular, TabularKind, Warehouse};

/// Its warehouse, its namespace, a free name, the right to make it.
pub struct Ground {
    pub caller: Caller,
    pub warehouse: Warehouse,
    pub namespace: NamespaceRow,
    pub ident: TableIdent,
    pub permit: Permit,
    /// What has the name already; a registration may replace it.
    pub holder: Option<Tabular>,
}

impl Ground {
    /// Refuses a name that is taken.
    pub async fn of(
        app: &App,
        caller: &Caller,
        kind: TabularKind,
        (warehouse, path, name): (WarehouseId, Namespace, &str),
    ) -> Result<Self, Error> {
        let ground = Self::even_if_taken(app, caller, kind, (warehouse, path, name)).await?;
        match &ground.holder {
            Some(holder) => Err(name_taken(kind, holder.kind, &ground.ident)),
            None => Ok(ground),
        }
    }

    pub async fn even_if_taken(
        app: &App,
        caller: &Caller,
        kind: TabularKind,
        (warehouse, path, name): (WarehouseId, Namespace, &str),
    ) -> Result<Self, Error> {
        let ident = TableIdent::parse(path.clone(), name.to_owned());
        // A name that nothing can have is refused only to those who may create something.
        let sought = ident.as_ref().map_or("", |ident| ident.name.as_str());
        let (warehouse, namespace, holder) = app.standing(caller, warehouse, &path, sought).await?;
        let action = match kind {
            TabularKind::Table => Action::NamespaceCreateTable,
            TabularKind::View => Action::NamespaceCreateView,
        };
        let question = Question::new(action, Object::Namespace(&namespace)).naming(name);
        let permit = app.authorize_question(caller, &question).await?;
        let ident = ident?;
        let holder = match holder {
            Some(_) => app.store.tabular(warehouse.id, &ident).await?,
            None => None,
        };
        Ok(Self { caller: caller.clone(), warehouse, namespace, ident, permit, holder })
    }

    /// The warehouse with its version, as contracts are found by.
    pub fn within(&self) -> (WarehouseId, i64) {
        (self.warehouse.id, self.warehouse.version)
    }

    /// The registration as contracts see it: what has the name already is the state before.
    pub async fn proposed_registration<'a>(
        &'a self,
        app: &App,
        newcomer: &'a Newcomer,
        metadata: &Arc<TableMetadata>,
    ) -> Result<Proposed<'a>, Error> {
        let before = match &self.holder {
            Some(holder) => Some(app.side_of(holder).await?),
            None => None,
        };
        let subject = Object::Tabular(self.holder.as_ref().unwrap_or(&newcomer.row));
        let difference = Difference::new(before, Some(Side::table(Arc::clone(metadata))?));
        Ok(Proposed::new(Operation::Register, subject, difference))
    }

    pub fn newcomer(&self, place: Place, birth: &Birth<'_>) -> Newcomer {
        Newcomer::new(&self.warehouse, &self.namespace, &self.ident, place, birth)
    }

    /// The transaction that makes it; what it replaces goes in the same one. `change` is how it came to be.
    pub async fn settle(
        &self,
        app: &App,
        newcomer: &Newcomer,
        (written, change): (&Written, TabularChange),
        attempt: &Attempt,
    ) -> Result<(), Error> {
        let now_ms = newcomer.row.created_at_ms;
        let place = (self.namespace.id, &self.namespace.path);
        let mut writer = app.begin_in_place(&self.permit, self.within(), [place]).await?;
        attempt.record(&mut writer, StatusCode::OK, Replay::loaded(newcomer.row.kind, newcomer.row.id)).await?;
        if let Some(holder) = &self.holder {
            if writer.drop_tabular(holder.seen(false)).await? != Dropped::Done {
                return Err(Error::CommitFailed(format!("table {} has changed just now; retry", self.ident)));
            }
            let happened = Happened::to_tabular(TabularChange::Dropped, holder, json!({ "replaced": true }));
            record(&mut writer, &self.permit, happened, now_ms).await?;
        }
        let happened = Happened::to_tabular(change, &newcomer.row, json!({}));
        newcomer.insert(&mut writer, &written.document, &event(&self.permit, happened, now_ms)?).await?;
        audit::store_with(&mut writer, now_ms).await?;
        writer.commit().await?;
        app.tell_created(&self.caller, Object::Tabular(&newcomer.row)).await;
        Ok(())
    }
}
