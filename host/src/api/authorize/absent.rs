//! Misses: what is not there is asked about too, so that hidden things answer neither otherwise nor sooner.

use super::object::{Object, Within};
use super::question::Question;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::{ProjectId, RoleId, WarehouseId};
use crate::error::Error;
use crate::store::rows::{NamespaceRow, TabularKind, Warehouse};

impl App {
    /// Asks for the sight of something that is not there. Only that it cannot be decided is told, as it would be of a
    /// thing that is.
    async fn ask_absent(&self, caller: &Caller, kind: Kind, name: &str, within: Within<'_>) -> Result<(), Error> {
        if !self.plugins.authorizers().decides() {
            return Ok(());
        }
        let question = Question::new(Action::sight(kind), Object::Absent { kind, name, within }).aside();
        self.seen(caller, &[question]).await.map(|_| ())
    }

    /// The answer for a warehouse that is not there.
    pub async fn absent_warehouse(
        &self,
        caller: &Caller,
        asked: &str,
        project: Option<&ProjectId>,
    ) -> Result<(), Error> {
        let within = project.map_or(Within::Server, Within::Project);
        self.ask_absent(caller, Kind::Warehouse, asked, within).await
    }

    /// The same for a project.
    pub async fn absent_project(&self, caller: &Caller, id: &ProjectId) -> Result<(), Error> {
        self.ask_absent(caller, Kind::Project, id.as_str(), Within::Server).await
    }

    /// The same for a role; in which project it would be nobody knows.
    pub async fn absent_role(&self, caller: &Caller, id: RoleId) -> Result<(), Error> {
        self.ask_absent(caller, Kind::Role, &id.to_string(), Within::Server).await
    }

    /// The same for a namespace, asked about in the deepest one above it that is there.
    pub async fn absent_namespace(
        &self,
        caller: &Caller,
        warehouse: &Warehouse,
        path: &Namespace,
    ) -> Result<(), Error> {
        self.ask_below(caller, (Kind::Namespace, path.name()), warehouse, path.parent()).await
    }

    /// The same for a table or a view.
    pub async fn absent_tabular(
        &self,
        caller: &Caller,
        kind: TabularKind,
        warehouse: WarehouseId,
        ident: &TableIdent,
    ) -> Result<(), Error> {
        let warehouse = self.warehouse_if_there(caller, warehouse).await?;
        let kind = match kind {
            TabularKind::Table => Kind::Table,
            TabularKind::View => Kind::View,
        };
        self.ask_below(caller, (kind, &ident.name), &warehouse, Some(ident.namespace.clone())).await
    }

    async fn ask_below(
        &self,
        caller: &Caller,
        (kind, name): (Kind, &str),
        warehouse: &Warehouse,
        above: Option<Namespace>,
    ) -> Result<(), Error> {
        if !self.plugins.authorizers().decides() {
            return Ok(());
        }
        match self.deepest(warehouse, above).await? {
            Some(row) => self.ask_absent(caller, kind, name, Within::Namespace(&row)).await,
            None => self.ask_absent(caller, kind, name, Within::Warehouse(warehouse)).await,
        }
    }

    /// The namespace itself, else the deepest one above it that is there.
    pub(in crate::api) async fn deepest(
        &self,
        warehouse: &Warehouse,
        mut above: Option<Namespace>,
    ) -> Result<Option<NamespaceRow>, Error> {
        while let Some(path) = above {
            let found = self.store.namespace(warehouse.id, &path).await?;
            if found.is_some() {
                return Ok(found);
            }
            above = path.parent();
        }
        Ok(None)
    }
}
