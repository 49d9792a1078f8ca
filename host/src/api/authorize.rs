//! Who may do what: every handler asks here, only an allowing answer makes a `Permit`.

use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::catalog::ids::ProjectId;
use crate::error::Error;
use crate::permit::{Effect, Permit};
use crate::store::rows::{NamespaceRow, Project, Tabular, TabularEntry, TabularKind, Warehouse};

/// What a question is about, with all that a decision may need to know of it.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    Server,
    /// A project that may or may not exist.
    ProjectId(&'a ProjectId),
    Project(&'a Project),
    Warehouse(&'a Warehouse),
    Namespace(&'a NamespaceRow),
    Tabular(&'a Tabular),
}

impl Object<'_> {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Server => Kind::Server,
            Self::ProjectId(_) | Self::Project(_) => Kind::Project,
            Self::Warehouse(_) => Kind::Warehouse,
            Self::Namespace(_) => Kind::Namespace,
            Self::Tabular(tabular) => match tabular.kind {
                TabularKind::Table => Kind::Table,
                TabularKind::View => Kind::View,
            },
        }
    }

    /// The name as messages show it.
    fn shown(&self) -> String {
        match self {
            Self::Server => "the server".into(),
            Self::ProjectId(id) => format!("project {id}"),
            Self::Project(project) => format!("project {}", project.name),
            Self::Warehouse(warehouse) => format!("warehouse {}", warehouse.name),
            Self::Namespace(row) => format!("namespace {}", row.path),
            Self::Tabular(tabular) => match tabular.kind {
                TabularKind::Table => format!("table {}.{}", tabular.namespace, tabular.name),
                TabularKind::View => format!("view {}.{}", tabular.namespace, tabular.name),
            },
        }
    }

    /// The answer that a caller gets who may not know that the thing exists: the same as if it did not.
    fn hidden(&self) -> Error {
        match self {
            Self::Server => Error::Forbidden("this caller may not see the server's state".into()),
            Self::ProjectId(id) => missing::project(id.as_str()),
            Self::Project(project) => missing::project(project.id.as_str()),
            Self::Warehouse(warehouse) => super::extract::no_such_warehouse(&warehouse.id.to_string()),
            Self::Namespace(row) => missing::namespace(&row.path),
            Self::Tabular(tabular) => missing::tabular(tabular.kind, format!("{}.{}", tabular.namespace, tabular.name)),
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

/// Who decides while no authorizer plugin is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorizer {
    /// The spelled-out default: one answer to every question.
    Default(Effect),
}

impl Authorizer {
    /// Its name in the server's description.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default(Effect::Allow) => "allow-all",
            Self::Default(Effect::Deny) => "deny-all",
        }
    }

    /// One effect for each action, in order.
    async fn decide(self, _caller: &Caller, actions: &[Action], _object: Object<'_>) -> Vec<Effect> {
        match self {
            Self::Default(effect) => vec![effect; actions.len()],
        }
    }
}

/// What a caller may do with a table's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    None,
    Read,
    ReadWrite,
}

impl App {
    /// The permit for one action, or 404 where the object is hidden from the caller, else 403.
    pub async fn authorize(&self, caller: &Caller, action: Action, object: Object<'_>) -> Result<Permit, Error> {
        self.refuse_in_maintenance(action)?;
        let sight = Action::sight(object.kind());
        let effects = self.authorizer.decide(caller, &[action, sight], object).await;
        let granted = effects.first().and_then(|effect| Permit::granted(caller.id(), action, *effect));
        let seen = effects.get(1) == Some(&Effect::Allow);
        tracing::debug!(
            caller.id = caller.id(),
            action = action.as_str(),
            object = object.shown(),
            allowed = granted.is_some(),
            "decided"
        );
        granted.ok_or_else(|| {
            if seen {
                Error::Forbidden(format!("{} may not do {action} on {}", caller.id(), object.shown()))
            } else {
                object.hidden()
            }
        })
    }

    /// The permit to load a table and what it lets the caller do with the files: three questions, asked at once.
    pub async fn authorize_load(&self, caller: &Caller, table: &Tabular) -> Result<(Permit, Access), Error> {
        let object = Object::Tabular(table);
        let questions = [Action::TableDescribe, Action::TableRead, Action::TableWrite];
        let effects = self.authorizer.decide(caller, &questions, object).await;
        let [describe, read, write] = effects.as_slice() else { return Err(object.hidden()) };
        let permit = Permit::granted(caller.id(), Action::TableDescribe, *describe).ok_or_else(|| object.hidden())?;
        let access = match (read, write) {
            (Effect::Allow, Effect::Allow) => Access::ReadWrite,
            (Effect::Allow, Effect::Deny) => Access::Read,
            (Effect::Deny, _) => Access::None,
        };
        Ok((permit, access))
    }

    /// Whether the caller may see each of the objects, in order.
    pub async fn sees(&self, caller: &Caller, objects: &[Object<'_>]) -> Vec<bool> {
        let mut seen = Vec::with_capacity(objects.len());
        for object in objects {
            let effects = self.authorizer.decide(caller, &[Action::sight(object.kind())], *object).await;
            seen.push(effects.first() == Some(&Effect::Allow));
        }
        seen
    }

    /// Whether the caller may see each of a namespace's tables or views, in order; thousands cost one decision.
    pub async fn sees_entries(
        &self,
        _caller: &Caller,
        _namespace: &NamespaceRow,
        _kind: TabularKind,
        entries: &[TabularEntry],
    ) -> Vec<bool> {
        match self.authorizer {
            Authorizer::Default(effect) => vec![effect == Effect::Allow; entries.len()],
        }
    }

    fn refuse_in_maintenance(&self, action: Action) -> Result<(), Error> {
        if self.config.catalog.read_only && !action.only_reads() {
            return Err(Error::Unavailable {
                message: format!("the catalog is in read-only maintenance: {action} waits until it is over"),
                retry_after_s: 30,
            });
        }
        Ok(())
    }
}
