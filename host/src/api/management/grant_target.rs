//! The object that a request about privileges names by its id.

use super::named_objects::Found;
use crate::api::authorize::{Question, missing};
use crate::api::extract::no_such_warehouse;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{NamespaceId, ProjectId, TabularId, WarehouseId};
use crate::error::Result;
use crate::store::rows::TabularKind;

/// What privileges are about.
pub enum Target {
    Server,
    Project(ProjectId),
    Warehouse(WarehouseId),
    Namespace(NamespaceId),
    Tabular(TabularKind, (WarehouseId, TabularId)),
}

impl Target {
    /// The object of this id; what is not there is asked about as if it were hidden.
    pub async fn find(&self, app: &App, caller: &Caller) -> Result<Found> {
        match self {
            Self::Server => Ok(Found::Server),
            Self::Project(id) => {
                let found = app.store.project(id).await?.map(Found::Project);
                if found.is_none() {
                    app.absent_project(caller, id).await?;
                }
                found.ok_or_else(|| missing::project(id.as_str()))
            }
            Self::Warehouse(id) => {
                let found = app.store.warehouse(*id).await?.map(Found::Warehouse);
                if found.is_none() {
                    app.absent_warehouse(caller, &id.to_string(), None).await?;
                }
                found.ok_or_else(|| no_such_warehouse(&id.to_string()))
            }
            Self::Namespace(id) => {
                let found = app.store.namespace_of_any_warehouse(*id).await?;
                found.map(Found::Namespace).ok_or_else(|| missing::namespace(id))
            }
            Self::Tabular(kind, (warehouse, id)) => {
                let found = app.store.tabular_by_id(*warehouse, *id, false).await?.filter(|row| row.kind == *kind);
                found.map(|row| Found::Tabular(Box::new(row))).ok_or_else(|| missing::tabular(*kind, id))
            }
        }
    }

    /// Seeing who holds privileges on it.
    pub fn reading(&self) -> Action {
        match self {
            Self::Server => Action::ServerReadGrants,
            Self::Project(_) => Action::ProjectReadGrants,
            Self::Warehouse(_) => Action::WarehouseReadGrants,
            Self::Namespace(_) => Action::NamespaceReadGrants,
            Self::Tabular(TabularKind::Table, _) => Action::TableReadGrants,
            Self::Tabular(TabularKind::View, _) => Action::ViewReadGrants,
        }
    }

    /// Giving a privilege on it, or taking it away.
    pub fn granting(&self) -> Action {
        match self {
            Self::Server => Action::ServerGrant,
            Self::Project(_) => Action::ProjectGrant,
            Self::Warehouse(_) => Action::WarehouseGrant,
            Self::Namespace(_) => Action::NamespaceGrant,
            Self::Tabular(TabularKind::Table, _) => Action::TableGrant,
            Self::Tabular(TabularKind::View, _) => Action::ViewGrant,
        }
    }

    /// A question about the object, whose name a caller that may not see it does not learn.
    pub fn question<'a>(&self, action: Action, found: &'a Found) -> Question<'a> {
        let question = Question::new(action, found.object());
        match self {
            Self::Namespace(id) => question.by_id(id.0),
            Self::Tabular(_, (_, id)) => question.by_id(id.0),
            Self::Server | Self::Project(_) | Self::Warehouse(_) => question,
        }
    }

    pub fn project_id(&self) -> Option<String> {
        match self {
            Self::Project(id) => Some(id.as_str().to_owned()),
            _ => None,
        }
    }
}
