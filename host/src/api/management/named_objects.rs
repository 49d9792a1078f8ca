//! Objects that the body of a question names: by id, or by name inside a warehouse.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::authorize::{Object, Within, missing};
use crate::api::extract::no_such_warehouse;
use crate::app::App;
use crate::catalog::action::Kind;
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::{NamespaceId, ProjectId, RoleId, TabularId, WarehouseId};
use crate::error::{Error, Result};
use crate::store::rows::{NamespaceRow, Project, Role, Tabular, TabularKind, Warehouse};

/// Where an object is. Which of the members are needed follows from its kind.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ObjectName {
    /// Of a project; the default one when left out.
    pub project_id: Option<String>,
    /// Of a warehouse, and of everything inside one.
    pub warehouse_id: Option<Uuid>,
    pub namespace_id: Option<Uuid>,
    /// The parts of a namespace, of its own or the one that a table or view lies in.
    pub namespace: Option<Vec<String>>,
    #[serde(alias = "view-id", alias = "view_id")]
    pub table_id: Option<Uuid>,
    /// The name of a table or a view.
    #[serde(alias = "view")]
    pub table: Option<String>,
    pub role_id: Option<Uuid>,
}

/// What was found under a name, or what would be there.
pub enum Found {
    Server,
    Project(Project),
    Warehouse(Warehouse),
    Namespace(NamespaceRow),
    Tabular(Box<Tabular>),
    Role(Role),
    Absent(Box<Absent>),
}

/// Something that is not there, with the deepest thing above it that is.
pub struct Absent {
    kind: Kind,
    name: String,
    above: Above,
}

enum Above {
    Server,
    Warehouse(Warehouse),
    Namespace(NamespaceRow),
}

impl Absent {
    fn object(&self) -> Object<'_> {
        let within = match &self.above {
            Above::Server => Within::Server,
            Above::Warehouse(warehouse) => Within::Warehouse(warehouse),
            Above::Namespace(row) => Within::Namespace(row),
        };
        Object::Absent { kind: self.kind, name: &self.name, within }
    }
}

impl Found {
    pub fn is_there(&self) -> bool {
        !matches!(self, Self::Absent(_))
    }

    pub fn object(&self) -> Object<'_> {
        match self {
            Self::Server => Object::Server,
            Self::Project(project) => Object::Project(project),
            Self::Warehouse(warehouse) => Object::Warehouse(warehouse),
            Self::Namespace(row) => Object::Namespace(row),
            Self::Tabular(row) => Object::Tabular(row),
            Self::Role(role) => Object::Role(role),
            Self::Absent(absent) => absent.object(),
        }
    }
}

impl ObjectName {
    /// The object of this kind and name; one of the errors for absence where it is not there.
    pub async fn find(&self, app: &App, kind: Kind) -> Result<Found> {
        match kind {
            Kind::Server => Ok(Found::Server),
            Kind::Project => {
                let id = self.project_id.as_deref().map_or_else(|| Ok(ProjectId::unnamed()), ProjectId::parse)?;
                app.store.project(&id).await?.map(Found::Project).ok_or_else(|| missing::project(id.as_str()))
            }
            Kind::Warehouse => self.warehouse(app).await.map(Found::Warehouse),
            Kind::Namespace => self.find_namespace(app).await.map(Found::Namespace),
            Kind::Table => self.find_tabular(app, TabularKind::Table).await,
            Kind::View => self.find_tabular(app, TabularKind::View).await,
            Kind::Role => {
                let id = self
                    .role_id
                    .ok_or_else(|| Error::bad_request("`role-id` is missing: it says which role is meant"))?;
                let found = app.store.role(RoleId(id)).await?;
                found.map(Found::Role).ok_or_else(|| missing::role(id))
            }
        }
    }

    /// What is not there, as far as its name can be guessed: to be asked about, so that what is hidden answers neither
    /// otherwise nor later.
    pub async fn absent(&self, app: &App, kind: Kind) -> Result<Option<Found>> {
        let absent = |kind, name, above| Some(Found::Absent(Box::new(Absent { kind, name, above })));
        let (name, path) = match kind {
            Kind::Server | Kind::Role => return Ok(None),
            Kind::Project => return Ok(absent(kind, self.project_id.clone().unwrap_or_default(), Above::Server)),
            Kind::Warehouse => (String::new(), None),
            Kind::Namespace | Kind::Table | Kind::View if self.id(kind).is_some() => return Ok(None),
            Kind::Namespace => {
                let path = self.path()?;
                (path.name().to_owned(), path.parent())
            }
            Kind::Table | Kind::View => (self.table.clone().unwrap_or_default(), Some(self.path()?)),
        };
        let id = self.warehouse_id()?;
        let Some(warehouse) = app.store.warehouse(id).await? else {
            return Ok(absent(Kind::Warehouse, id.to_string(), Above::Server));
        };
        if kind == Kind::Warehouse {
            return Ok(None);
        }
        let above = match app.deepest(&warehouse, path).await? {
            Some(row) => Above::Namespace(row),
            None => Above::Warehouse(warehouse),
        };
        Ok(absent(kind, name, above))
    }

    /// The id by which an object of this kind is looked up, if it is; then a caller who may not see it must not learn
    /// its name. Other ids may stand beside it, but say nothing.
    pub fn id(&self, kind: Kind) -> Option<Uuid> {
        match kind {
            Kind::Namespace => self.namespace_id,
            Kind::Table | Kind::View => self.table_id,
            Kind::Server | Kind::Project | Kind::Warehouse | Kind::Role => None,
        }
    }

    pub fn warehouse_id(&self) -> Result<WarehouseId> {
        self.warehouse_id
            .map(WarehouseId)
            .ok_or_else(|| Error::bad_request("`warehouse-id` is missing: it says in which warehouse the object is"))
    }

    async fn warehouse(&self, app: &App) -> Result<Warehouse> {
        let id = self.warehouse_id()?;
        app.store.warehouse(id).await?.ok_or_else(|| no_such_warehouse(&id.to_string()))
    }

    async fn find_namespace(&self, app: &App) -> Result<NamespaceRow> {
        let warehouse = self.warehouse_id()?;
        if let Some(id) = self.namespace_id {
            let found = app.store.namespace_by_id(warehouse, NamespaceId(id)).await?;
            return found.ok_or_else(|| missing::namespace(id));
        }
        let path = self.path()?;
        app.store.namespace(warehouse, &path).await?.ok_or_else(|| missing::namespace(&path))
    }

    async fn find_tabular(&self, app: &App, kind: TabularKind) -> Result<Found> {
        let warehouse = self.warehouse_id()?;
        let (found, shown) = match (self.table_id, &self.table) {
            (Some(id), _) => (app.store.tabular_by_id(warehouse, TabularId(id), false).await?, id.to_string()),
            (None, Some(name)) => {
                let ident = TableIdent::parse(self.path()?, name.clone())?;
                (app.store.tabular(warehouse, &ident).await?, ident.to_string())
            }
            (None, None) => {
                return Err(Error::BadRequest(format!(
                    "the {0} is not named: send its id, or `namespace` with `{0}`",
                    kind.as_str()
                )));
            }
        };
        let row = found.filter(|row| row.kind == kind).ok_or_else(|| missing::tabular(kind, shown))?;
        Ok(Found::Tabular(Box::new(row)))
    }

    fn path(&self) -> Result<Namespace> {
        let parts = self.namespace.clone();
        Namespace::parse(parts.ok_or_else(|| {
            Error::bad_request("the namespace is not named: send `namespace-id`, or its parts as `namespace`")
        })?)
    }
}

/// Whether an error says that something is not there.
pub fn is_absence(error: &Error) -> bool {
    matches!(
        error,
        Error::NoSuchWarehouse(_)
            | Error::NoSuchNamespace(_)
            | Error::NoSuchTable(_)
            | Error::NoSuchView(_)
            | Error::NotFound(_)
    )
}
