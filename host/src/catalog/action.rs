//! The catalogue of actions: what a caller can ask to do to which kind of object.

mod facts;
mod page;

use std::fmt;

pub use facts::Fact;
pub use page::page;

/// Kinds of objects that decisions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Server,
    Project,
    Warehouse,
    Namespace,
    Table,
    View,
    Role,
}

impl Kind {
    pub const ALL: &'static [Self] =
        &[Self::Server, Self::Project, Self::Warehouse, Self::Namespace, Self::Table, Self::View, Self::Role];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Project => "project",
            Self::Warehouse => "warehouse",
            Self::Namespace => "namespace",
            Self::Table => "table",
            Self::View => "view",
            Self::Role => "role",
        }
    }
}

macro_rules! actions {
    ($($variant:ident = $kind:ident $text:literal $doc:literal,)*) => {
        /// One thing a caller can ask for; plugins see its text, e.g. `table:commit`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        impl Action {
            /// Every action, in the order of the catalogue.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The kind of object that the action is asked of.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)*
                }
            }

            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }
        }
    };
}

actions! {
    ServerDescribe = Server "server:describe" "Read the server's version and state.",
    ServerBootstrap = Server "server:bootstrap" "Accept the terms and become the first administrator, once.",
    ServerCreateProject = Server "server:create-project" "Create a project.",
    ServerListProjects = Server "server:list-projects" "List the projects one may see.",
    ServerManage = Server "server:manage" "Change the server's mode of operation.",
    ServerListUsers = Server "server:list-users" "Find users, read what is known of them.",
    ServerProvisionUsers = Server "server:provision-users" "Tell of users before they come.",
    ServerUpdateUsers = Server "server:update-users" "Change what is known of users.",
    ServerDeleteUsers = Server "server:delete-users" "Forget users with all their memberships.",
    ServerReadGrants = Server "server:read-grants" "See who holds privileges on the server.",
    ServerGrant = Server "server:grant" "Give a privilege on the server to somebody, or take it away.",
    ProjectDescribe = Project "project:describe" "Read a project; without it the project is hidden.",
    ProjectRename = Project "project:rename" "Rename a project.",
    ProjectDelete = Project "project:delete" "Delete an empty project.",
    ProjectCreateWarehouse = Project "project:create-warehouse" "Create a warehouse.",
    ProjectListWarehouses = Project "project:list-warehouses" "List the warehouses one may see.",
    ProjectListTasks = Project "project:list-tasks" "List the background tasks of a project, read how they are set up.",
    ProjectControlTasks = Project "project:control-tasks" "Stop, cancel, hurry or set up a project's background tasks.",
    ProjectCreateRole = Project "project:create-role" "Create a role.",
    ProjectListRoles = Project "project:list-roles" "List the roles that one may see.",
    ProjectReadGrants = Project "project:read-grants" "See who holds privileges on a project.",
    ProjectGrant = Project "project:grant" "Give a privilege on a project to somebody, or take it away.",
    WarehouseDescribe = Warehouse "warehouse:describe" "Use or read a warehouse; without it the warehouse is hidden.",
    WarehouseUpdate = Warehouse "warehouse:update" "Rename, activate, protect or re-point a warehouse.",
    WarehouseDelete = Warehouse "warehouse:delete" "Delete an empty warehouse.",
    WarehouseCreateNamespace = Warehouse "warehouse:create-namespace" "Create a namespace at the top.",
    WarehouseAcceptNamespace = Warehouse "warehouse:accept-namespace" "Take in a namespace, with what it holds, at the top.",
    WarehouseListNamespaces = Warehouse "warehouse:list-namespaces" "List the namespaces at the top that one may see.",
    WarehouseListDeleted = Warehouse "warehouse:list-deleted" "List soft-deleted tables and views.",
    WarehouseListTasks = Warehouse "warehouse:list-tasks" "List background tasks.",
    WarehouseControlTasks = Warehouse "warehouse:control-tasks" "Stop, cancel or hurry background tasks.",
    WarehouseExplain = Warehouse "warehouse:explain" "See what others may do in the warehouse, for what reason.",
    WarehouseReadGrants = Warehouse "warehouse:read-grants" "See who holds privileges on a warehouse.",
    WarehouseGrant = Warehouse "warehouse:grant" "Give a privilege on a warehouse to somebody, or take it away.",
    NamespaceDescribe = Namespace "namespace:describe" "Load a namespace; without it the namespace is hidden.",
    NamespaceCreateNamespace = Namespace "namespace:create-namespace" "Create a namespace inside.",
    NamespaceAcceptNamespace = Namespace "namespace:accept-namespace" "Take in a namespace with what it holds.",
    NamespaceListNamespaces = Namespace "namespace:list-namespaces" "List the namespaces inside that one may see.",
    NamespaceCreateTable = Namespace "namespace:create-table" "Create, register or move a table into the namespace.",
    NamespaceCreateView = Namespace "namespace:create-view" "Create, register or move a view into the namespace.",
    NamespaceListTables = Namespace "namespace:list-tables" "List the tables that one may see.",
    NamespaceListViews = Namespace "namespace:list-views" "List the views that one may see.",
    NamespaceUpdateProperties = Namespace "namespace:update-properties" "Set or remove properties.",
    NamespaceMove = Namespace "namespace:move" "Move the namespace, with what it holds, to another name or place.",
    NamespaceDrop = Namespace "namespace:drop" "Drop the namespace.",
    NamespaceProtect = Namespace "namespace:protect" "Read or set the protection flag.",
    NamespaceReadGrants = Namespace "namespace:read-grants" "See who holds privileges on the namespace.",
    NamespaceGrant = Namespace "namespace:grant" "Give a privilege on the namespace to somebody, or take it away.",
    TableDescribe = Table "table:describe" "Load the metadata; without it the table is hidden.",
    TableRead = Table "table:read" "Read data files.",
    TableWrite = Table "table:write" "Write and delete data files.",
    TableCommit = Table "table:commit" "Commit to the table.",
    TableRename = Table "table:rename" "Rename the table.",
    TableDrop = Table "table:drop" "Drop, purge or unregister the table.",
    TableUndrop = Table "table:undrop" "Bring a soft-deleted table back.",
    TableProtect = Table "table:protect" "Read or set the protection flag.",
    TableReportMetrics = Table "table:report-metrics" "Send a scan or commit report.",
    TableReadGrants = Table "table:read-grants" "See who holds privileges on the table.",
    TableGrant = Table "table:grant" "Give a privilege on the table to somebody, or take it away.",
    ViewDescribe = View "view:describe" "Load the view; without it the view is hidden.",
    ViewCommit = View "view:commit" "Replace the view or change its properties.",
    ViewRename = View "view:rename" "Rename the view.",
    ViewDrop = View "view:drop" "Drop the view.",
    ViewUndrop = View "view:undrop" "Bring a soft-deleted view back.",
    ViewProtect = View "view:protect" "Read or set the protection flag.",
    ViewReadGrants = View "view:read-grants" "See who holds privileges on the view.",
    ViewGrant = View "view:grant" "Give a privilege on the view to somebody, or take it away.",
    RoleDescribe = Role "role:describe" "Read a role; without it the role is hidden.",
    RoleUpdate = Role "role:update" "Change the name or the description of the role.",
    RoleDelete = Role "role:delete" "Delete the role with all memberships.",
    RoleListMembers = Role "role:list-members" "See who is in the role, and which roles it is in.",
    RoleManageMembers = Role "role:manage-members" "Put users and roles into the role or out of it, or say which group it is.",
}

impl Action {
    /// Whether the action leaves the catalog as it is; all others wait while it is in maintenance.
    pub const fn only_reads(self) -> bool {
        matches!(
            self,
            Self::ServerDescribe
                | Self::ServerListProjects
                | Self::ServerListUsers
                | Self::ProjectDescribe
                | Self::ProjectListRoles
                | Self::ProjectListWarehouses
                | Self::ProjectListTasks
                | Self::WarehouseDescribe
                | Self::WarehouseListNamespaces
                | Self::WarehouseListDeleted
                | Self::WarehouseListTasks
                | Self::WarehouseExplain
                | Self::NamespaceDescribe
                | Self::NamespaceListNamespaces
                | Self::NamespaceListTables
                | Self::NamespaceListViews
                | Self::TableDescribe
                | Self::TableRead
                | Self::TableWrite
                | Self::TableReportMetrics
                | Self::ViewDescribe
                | Self::ServerReadGrants
                | Self::ProjectReadGrants
                | Self::WarehouseReadGrants
                | Self::NamespaceReadGrants
                | Self::TableReadGrants
                | Self::ViewReadGrants
                | Self::RoleDescribe
                | Self::RoleListMembers
        )
    }

    /// The action of this text; `None` where the catalogue has none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }

    /// The question whose denial hides an object of this kind from the caller.
    pub const fn sight(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::ServerDescribe,
            Kind::Project => Self::ProjectDescribe,
            Kind::Warehouse => Self::WarehouseDescribe,
            Kind::Namespace => Self::NamespaceDescribe,
            Kind::Table => Self::TableDescribe,
            Kind::View => Self::ViewDescribe,
            Kind::Role => Self::RoleDescribe,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
