//! The change that is to be checked: one of many, each in the words of the request that would make it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use crate::api::drop::{NamespaceDrop, TabularDrop};
use crate::api::management::deleted::UndropTabularsRequest;
use crate::api::management::namespace_move::MoveNamespaceRequest;
use crate::api::namespaces::{CreateNamespaceRequest, UpdateNamespacePropertiesRequest};
use crate::api::rename::RenameTableRequest;
use crate::api::tables::TableIdentifier;
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::NamespaceId;
use crate::catalog::json::Text;
use crate::error::{Error, Result};
use crate::store::rows::TabularKind;

/// One change: the member that names it has the body, or the query, of the request that would make it; `identifier`,
/// `namespace` or `namespace-id` say what the path would.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckContractsRequest {
    /// The table or the view: of a commit, of `replace-view`, `drop-table`, `drop-view`, `unregister-table`.
    #[schema(value_type = Option<TableIdentifier>)]
    identifier: Option<Named>,
    /// The namespace: of `create`, `register`, `create-view`, `register-view`, `update-properties`, `drop-namespace`.
    namespace: Option<Vec<String>>,
    /// The namespace that `move-namespace` moves.
    #[schema(value_type = Option<uuid::Uuid>)]
    namespace_id: Option<NamespaceId>,
    /// Of a commit.
    #[schema(value_type = Option<Vec<Object>>)]
    requirements: Option<IgnoredAny>,
    /// Of a commit.
    #[schema(value_type = Option<Vec<Object>>)]
    updates: Option<IgnoredAny>,
    /// The commits of a transaction.
    #[schema(value_type = Option<Vec<Object>>)]
    table_changes: Option<IgnoredAny>,
    /// A table is created.
    #[schema(value_type = Option<Object>)]
    create: Option<Text>,
    /// A table is registered.
    #[schema(value_type = Option<Object>)]
    register: Option<Text>,
    #[schema(value_type = Option<Object>)]
    create_view: Option<Text>,
    #[schema(value_type = Option<Object>)]
    register_view: Option<Text>,
    #[schema(value_type = Option<Object>)]
    replace_view: Option<Text>,
    #[schema(value_type = Option<RenameTableRequest>)]
    rename_table: Option<Text>,
    #[schema(value_type = Option<RenameTableRequest>)]
    rename_view: Option<Text>,
    drop_table: Option<DropTabular>,
    drop_view: Option<DropTabular>,
    /// A table leaves the catalog, its files stay.
    unregister_table: Option<Unregister>,
    /// Soft-deleted tables and views come back.
    #[schema(value_type = Option<UndropTabularsRequest>)]
    undrop: Option<Text>,
    #[schema(value_type = Option<CreateNamespaceRequest>)]
    create_namespace: Option<Text>,
    /// Properties of a namespace are set or removed.
    #[schema(value_type = Option<UpdateNamespacePropertiesRequest>)]
    update_properties: Option<Text>,
    drop_namespace: Option<DropNamespace>,
    #[schema(value_type = Option<MoveNamespaceRequest>)]
    move_namespace: Option<Text>,
}

#[derive(Clone, Deserialize)]
struct Named {
    namespace: Vec<String>,
    name: String,
}

/// How a table or a view is dropped, in the words of the query.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct DropTabular {
    purge_requested: bool,
    force: bool,
}

/// How a namespace is dropped, in the words of the query.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DropNamespace {
    recursive: bool,
    force: bool,
    purge: bool,
}

/// There is nothing to say of it but the table.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unregister {}

impl From<DropTabular> for TabularDrop {
    fn from(DropTabular { purge_requested, force }: DropTabular) -> Self {
        Self { purge_requested, force }
    }
}

impl From<DropNamespace> for NamespaceDrop {
    fn from(DropNamespace { recursive, force, purge }: DropNamespace) -> Self {
        Self { recursive, force, purge }
    }
}

/// A change with what it is about, and the body of the request that would make it. Commits are read from the whole body.
pub enum Change {
    Commit,
    Transaction,
    CreateTable(Namespace, Text),
    RegisterTable(Namespace, Text),
    CreateView(Namespace, Text),
    RegisterView(Namespace, Text),
    ReplaceView(TableIdent, Text),
    Rename(TabularKind, Text),
    Drop(TabularKind, TableIdent, TabularDrop),
    Unregister(TableIdent),
    Undrop(Text),
    OfNamespace(NamespaceChange),
}

/// The same of a namespace.
pub enum NamespaceChange {
    Create(Text),
    Update(Namespace, Text),
    Drop(Namespace, NamespaceDrop),
    Move(NamespaceId, Text),
}

impl CheckContractsRequest {
    /// The change that is named. Of a body that names two nobody knows which one is meant.
    pub fn change(self) -> Result<Change> {
        let about = About { identifier: self.identifier, namespace: self.namespace, namespace_id: self.namespace_id };
        let is_commit = self.requirements.is_some() || self.updates.is_some();
        let dropped = |kind, how: DropTabular| Ok(Change::Drop(kind, about.tabular()?, how.into()));
        let named: [Option<Result<Change>>; 17] = [
            is_commit.then_some(Ok(Change::Commit)),
            self.table_changes.map(|_| Ok(Change::Transaction)),
            self.create.map(|body| Ok(Change::CreateTable(about.namespace()?, body))),
            self.register.map(|body| Ok(Change::RegisterTable(about.namespace()?, body))),
            self.create_view.map(|body| Ok(Change::CreateView(about.namespace()?, body))),
            self.register_view.map(|body| Ok(Change::RegisterView(about.namespace()?, body))),
            self.replace_view.map(|body| Ok(Change::ReplaceView(about.tabular()?, body))),
            self.rename_table.map(|body| Ok(Change::Rename(TabularKind::Table, body))),
            self.rename_view.map(|body| Ok(Change::Rename(TabularKind::View, body))),
            self.drop_table.map(|how| dropped(TabularKind::Table, how)),
            self.drop_view.map(|how| dropped(TabularKind::View, how)),
            self.unregister_table.map(|_| Ok(Change::Unregister(about.tabular()?))),
            self.undrop.map(|body| Ok(Change::Undrop(body))),
            self.create_namespace.map(|body| Ok(Change::OfNamespace(NamespaceChange::Create(body)))),
            self.update_properties
                .map(|body| Ok(Change::OfNamespace(NamespaceChange::Update(about.namespace()?, body)))),
            self.drop_namespace
                .map(|how| Ok(Change::OfNamespace(NamespaceChange::Drop(about.namespace()?, how.into())))),
            self.move_namespace.map(|body| Ok(Change::OfNamespace(NamespaceChange::Move(about.namespace_id()?, body)))),
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(change), None) => change,
            (Some(_), Some(_)) => Err(Error::bad_request("the body names more than one change: check them one by one")),
            (None, _) => Err(Error::bad_request(
                "no change is named: send a commit with its `identifier`, `table-changes`, or one of the other changes, \
                 such as `create` with its `namespace`",
            )),
        }
    }
}

/// What a path would say.
struct About {
    identifier: Option<Named>,
    namespace: Option<Vec<String>>,
    namespace_id: Option<NamespaceId>,
}

impl About {
    fn tabular(&self) -> Result<TableIdent> {
        let Named { namespace, name } = named("identifier", self.identifier.clone())?;
        TableIdent::parse(Namespace::parse(namespace)?, name)
    }

    fn namespace(&self) -> Result<Namespace> {
        Namespace::parse(named("namespace", self.namespace.clone())?)
    }

    fn namespace_id(&self) -> Result<NamespaceId> {
        named("namespace-id", self.namespace_id)
    }
}

fn named<T>(member: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::BadRequest(format!("the body has no `{member}`, which this change is about; add it")))
}
