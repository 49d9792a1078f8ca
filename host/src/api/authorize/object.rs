//! What questions are about, with the words for what is not there.

use uuid::Uuid;

use crate::api::extract::no_such_warehouse;
use crate::catalog::action::Kind;
use crate::catalog::ids::ProjectId;
use crate::error::Error;
use crate::store::rows::{NamespaceRow, Project, Role, Tabular, TabularKind, Warehouse};

/// What a question is about, with all that a decision may need to know of it.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    Server,
    Project(&'a Project),
    Warehouse(&'a Warehouse),
    Namespace(&'a NamespaceRow),
    Tabular(&'a Tabular),
    Role(&'a Role),
    /// Something that is not there, where it would lie: asked about so that hidden things answer no later than absent
    /// ones.
    Absent {
        kind: Kind,
        name: &'a str,
        within: Within<'a>,
    },
}

/// The deepest thing above an absent one that is there.
#[derive(Clone, Copy, Debug)]
pub enum Within<'a> {
    Server,
    Project(&'a ProjectId),
    Warehouse(&'a Warehouse),
    Namespace(&'a NamespaceRow),
}

impl Object<'_> {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Server => Kind::Server,
            Self::Project(_) => Kind::Project,
            Self::Warehouse(_) => Kind::Warehouse,
            Self::Namespace(_) => Kind::Namespace,
            Self::Tabular(tabular) => match tabular.kind {
                TabularKind::Table => Kind::Table,
                TabularKind::View => Kind::View,
            },
            Self::Role(_) => Kind::Role,
            Self::Absent { kind, .. } => *kind,
        }
    }

    /// The id of a thing that is there, as events name it; the server has none.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Server | Self::Absent { .. } => None,
            Self::Project(project) => Some(project.id.as_str().to_owned()),
            Self::Warehouse(warehouse) => Some(warehouse.id.to_string()),
            Self::Namespace(row) => Some(row.id.to_string()),
            Self::Tabular(tabular) => Some(tabular.id.to_string()),
            Self::Role(role) => Some(role.id.to_string()),
        }
    }

    /// The name as messages show it.
    pub fn shown(&self) -> String {
        match self {
            Self::Server => "the server".into(),
            Self::Project(project) => format!("project {}", project.name),
            Self::Warehouse(warehouse) => format!("warehouse {}", warehouse.name),
            Self::Namespace(row) => format!("namespace {}", row.path),
            Self::Tabular(tabular) => format!("{} {}.{}", tabular.kind.as_str(), tabular.namespace, tabular.name),
            Self::Role(role) => format!("role {}", role.name),
            Self::Absent { kind, name, .. } => format!("{} {name}, which is not there", kind.as_str()),
        }
    }

    /// The answer that a caller gets who may not know that the thing exists: the same as if it did not.
    pub fn hidden(&self) -> Error {
        match self {
            Self::Server => Error::Forbidden("this caller may not see the server's state".into()),
            Self::Project(project) => missing::project(project.id.as_str()),
            Self::Warehouse(warehouse) => no_such_warehouse(&warehouse.id.to_string()),
            Self::Namespace(row) => missing::namespace(&row.path),
            Self::Tabular(tabular) => missing::tabular(tabular.kind, format!("{}.{}", tabular.namespace, tabular.name)),
            Self::Role(role) => missing::role(role.id),
            Self::Absent { kind, name, .. } => match kind {
                Kind::Server | Kind::Project => missing::project(name),
                Kind::Warehouse => no_such_warehouse(name),
                Kind::Namespace => missing::namespace(name),
                Kind::Table => missing::table(name),
                Kind::View => missing::view(name),
                Kind::Role => missing::role(name),
            },
        }
    }

    /// The same to a caller who named the thing by its id, and must not learn its name.
    pub fn hidden_by_id(&self, id: Uuid) -> Error {
        match self {
            Self::Namespace(_) => missing::namespace(id),
            Self::Tabular(tabular) => missing::tabular(tabular.kind, id),
            other => other.hidden(),
        }
    }
}

/// What a caller is told of things that are not there; hidden things answer with the same words.
pub mod missing {
    use std::fmt::Display;

    use crate::error::Error;
    use crate::store::rows::TabularKind;

    pub fn tabular(kind: TabularKind, ident: impl Display) -> Error {
        match kind {
            TabularKind::Table => table(ident),
            TabularKind::View => view(ident),
        }
    }

    pub fn project(id: &str) -> Error {
        Error::NotFound(format!("Project does not exist: {id}"))
    }

    pub fn role(id: impl Display) -> Error {
        Error::NotFound(format!("Role does not exist: {id}"))
    }

    pub fn user(id: &str) -> Error {
        Error::NotFound(format!("User does not exist: {id}"))
    }

    pub fn namespace(path: impl Display) -> Error {
        Error::NoSuchNamespace(format!("Namespace does not exist: {path}"))
    }

    pub fn table(ident: impl Display) -> Error {
        Error::NoSuchTable(format!("Table does not exist: {ident}"))
    }

    pub fn view(ident: impl Display) -> Error {
        Error::NoSuchView(format!("View does not exist: {ident}"))
    }
}
