//! Rows that stories begin with, or the words for their absence.

use super::authorize::{Object, missing};
use super::documents::Cached;
use super::extract::{OfTable, no_such_warehouse};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::WarehouseId;
use crate::error::Error;
use crate::store::rows::{NamespaceRow, Tabular, TabularKind, Warehouse, WarehouseStatus};

impl App {
    /// A warehouse that is open for work; an inactive one answers as if it were not there.
    pub async fn active_warehouse(&self, id: WarehouseId) -> Result<Warehouse, Error> {
        self.store
            .warehouse(id)
            .await?
            .filter(|warehouse| warehouse.status == WarehouseStatus::Active)
            .ok_or_else(|| no_such_warehouse(&id.to_string()))
    }

    /// The same as the first look of a request, which must not tell what is hidden from what is absent.
    pub async fn warehouse_if_there(&self, caller: &Caller, id: WarehouseId) -> Result<Warehouse, Error> {
        match self.active_warehouse(id).await {
            Err(absent @ Error::NoSuchWarehouse(_)) => {
                self.absent_warehouse(caller, &id.to_string(), None).await?;
                Err(absent)
            }
            found => found,
        }
    }

    /// The same, for a caller who may use it.
    pub async fn warehouse(&self, caller: &Caller, id: WarehouseId) -> Result<Warehouse, Error> {
        let warehouse = self.warehouse_if_there(caller, id).await?;
        self.authorize(caller, Action::WarehouseDescribe, Object::Warehouse(&warehouse)).await?;
        Ok(warehouse)
    }

    /// A namespace of an active warehouse.
    pub async fn namespace(
        &self,
        caller: &Caller,
        warehouse: WarehouseId,
        path: &Namespace,
    ) -> Result<NamespaceRow, Error> {
        self.warehouse_and_namespace(caller, warehouse, path).await.map(|(_, namespace)| namespace)
    }

    /// The same with its warehouse.
    pub async fn warehouse_and_namespace(
        &self,
        caller: &Caller,
        warehouse: WarehouseId,
        path: &Namespace,
    ) -> Result<(Warehouse, NamespaceRow), Error> {
        let (warehouse, namespace, _) = self.standing(caller, warehouse, path, "").await?;
        Ok((warehouse, namespace))
    }

    /// The same with the kind of what has the name already.
    pub async fn standing(
        &self,
        caller: &Caller,
        warehouse: WarehouseId,
        path: &Namespace,
        name: &str,
    ) -> Result<(Warehouse, NamespaceRow, Option<TabularKind>), Error> {
        let found = self.store.standing(warehouse, path, name).await?;
        let Some(standing) = found.filter(|found| found.warehouse.status == WarehouseStatus::Active) else {
            self.absent_warehouse(caller, &warehouse.to_string(), None).await?;
            return Err(no_such_warehouse(&warehouse.to_string()));
        };
        match standing.namespace {
            Some(namespace) => Ok((standing.warehouse, namespace, standing.holder)),
            None => {
                self.absent_namespace(caller, &standing.warehouse, path).await?;
                Err(missing::namespace(path))
            }
        }
    }

    /// The row of a table, or the 404 of a table that is not there; a view of that name is not a table.
    pub async fn table(&self, caller: &Caller, target: OfTable) -> Result<Tabular, Error> {
        let ident = target.ident.or_missing(missing::table)?;
        self.tabular(caller, target.warehouse, &ident, TabularKind::Table).await
    }

    /// The row of a view, or the 404 of a view that is not there.
    pub async fn view(&self, caller: &Caller, target: OfTable) -> Result<Tabular, Error> {
        let ident = target.ident.or_missing(missing::view)?;
        self.tabular(caller, target.warehouse, &ident, TabularKind::View).await
    }

    /// The row of a table or a view of one kind, or the 404 of one that is not there.
    pub async fn tabular(
        &self,
        caller: &Caller,
        warehouse: WarehouseId,
        ident: &TableIdent,
        kind: TabularKind,
    ) -> Result<Tabular, Error> {
        match self.store.tabular(warehouse, ident).await? {
            Some(row) if row.kind == kind => Ok(row),
            _ => Err(self.no_tabular(caller, warehouse, (ident, kind)).await),
        }
    }

    /// The 404 of a table or a view that is not there.
    pub async fn no_tabular(
        &self,
        caller: &Caller,
        warehouse: WarehouseId,
        (ident, kind): (&TableIdent, TabularKind),
    ) -> Error {
        match self.absent_tabular(caller, kind, warehouse, ident).await {
            Ok(()) => missing::tabular(kind, ident),
            Err(error) => error,
        }
    }

    /// The document of a row with the row it belongs to: a newer one where a commit came in between.
    pub async fn document(&self, row: &Tabular) -> Result<(Tabular, std::sync::Arc<Cached>), Error> {
        let mut row = row.clone();
        for _ in 0..3 {
            if let Some(cached) = self.documents.get(&self.store, &row).await? {
                return Ok((row, cached));
            }
            row = self
                .store
                .tabular_by_id(row.warehouse_id, row.id, false)
                .await?
                .ok_or_else(|| missing::tabular(row.kind, format!("{}.{}", row.namespace, row.name)))?;
        }
        Err(Error::unavailable("the table changes faster than it can be read; retry"))
    }

    /// The document of a row, be it soft-deleted, without a look for newer ones in that case.
    pub async fn document_even_if_deleted(&self, row: &Tabular) -> Result<std::sync::Arc<Cached>, Error> {
        if row.deleted_at_ms.is_none() {
            return Ok(self.document(row).await?.1);
        }
        self.documents.get(&self.store, row).await?.ok_or_else(|| {
            let (kind, name) = (row.kind.as_str(), &row.name);
            Error::unavailable(format_args!("{kind} {name} has changed since it was read for this request; retry"))
        })
    }

    /// Names that no namespace may begin with.
    pub fn refuse_reserved(&self, path: &Namespace) -> Result<(), Error> {
        let first = path.parts().first().map(String::as_str).unwrap_or_default();
        if self.config.catalog.reserved_namespaces.iter().any(|reserved| reserved == first) {
            return Err(Error::BadRequest(format!(
                "namespaces cannot begin with `{first}`: engines use that name for their own; choose another"
            )));
        }
        Ok(())
    }
}
