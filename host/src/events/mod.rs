//! What happened, in the words that leave the house: the vocabulary of the outbox, the ways out.

mod body;
#[cfg(feature = "nats")]
mod nats;
mod outlets;
mod webhook;

pub use body::{EventBody, body_text};
pub use outlets::{Outlets, Refusal, Sink};

macro_rules! events {
    ($($variant:ident $text:literal $doc:literal,)*) => {
        /// One kind of change; its text is the CloudEvents `type`, stable once released.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $(#[doc = $doc] $variant,)*
        }

        impl EventKind {
            /// Every kind, in the order of the vocabulary.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The kind of this text; `None` for one that the vocabulary does not have.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
            }

            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }
        }
    };
}

events! {
    ServerBootstrapped "weir.server.bootstrapped" "The server was bootstrapped.",
    UserCreated "weir.user.created" "Somebody told of a user.",
    UserUpdated "weir.user.updated" "What is known of a user changed.",
    UserDeleted "weir.user.deleted" "A user was forgotten with all memberships.",
    RoleCreated "weir.role.created" "A role was created.",
    RoleUpdated "weir.role.updated" "A role's name, description or source changed.",
    RoleDeleted "weir.role.deleted" "A role was deleted with all memberships.",
    RoleMembersChanged "weir.role.members-changed" "Somebody was put into a role, or taken out.",
    GrantsChanged "weir.grants.changed" "Privileges on an object were given to somebody, or taken away.",
    ProjectCreated "weir.project.created" "A project was created.",
    ProjectRenamed "weir.project.renamed" "A project was renamed.",
    ProjectDeleted "weir.project.deleted" "An empty project was deleted.",
    WarehouseCreated "weir.warehouse.created" "A warehouse was created.",
    WarehouseUpdated "weir.warehouse.updated" "A warehouse's name, state, storage or policy changed.",
    WarehouseDeleted "weir.warehouse.deleted" "An empty warehouse was deleted.",
    NamespaceCreated "weir.namespace.created" "A namespace was created.",
    NamespaceUpdated "weir.namespace.updated" "A namespace's properties or protection changed.",
    NamespaceMoved "weir.namespace.moved" "A namespace has another name, or lies in another namespace.",
    NamespaceDropped "weir.namespace.dropped" "A namespace was dropped.",
    TableCreated "weir.table.created" "A table was created.",
    TableRegistered "weir.table.registered" "A table was registered from an existing metadata file.",
    TableCommitted "weir.table.committed" "A commit moved the table to new metadata.",
    TableRenamed "weir.table.renamed" "A table was renamed.",
    TableProtected "weir.table.protection-set" "A table's protection was set or lifted.",
    TableSoftDeleted "weir.table.soft-deleted" "A table was dropped, and can be brought back until it expires.",
    TableUndropped "weir.table.undropped" "A soft-deleted table was brought back.",
    TableDropped "weir.table.dropped" "A table was dropped for good.",
    TablePurged "weir.table.purged" "The files of a dropped table were deleted.",
    ViewCreated "weir.view.created" "A view was created.",
    ViewRegistered "weir.view.registered" "A view was registered from an existing metadata file.",
    ViewCommitted "weir.view.committed" "A commit moved the view to new metadata.",
    ViewRenamed "weir.view.renamed" "A view was renamed.",
    ViewProtected "weir.view.protection-set" "A view's protection was set or lifted.",
    ViewSoftDeleted "weir.view.soft-deleted" "A view was dropped, and can be brought back until it expires.",
    ViewUndropped "weir.view.undropped" "A soft-deleted view was brought back.",
    ViewDropped "weir.view.dropped" "A view was dropped for good.",
    AuditRecorded "weir.audit.recorded" "Somebody was allowed or denied something; only where `audit.outbox` asks for it.",
    ViewPurged "weir.view.purged" "The files of a dropped view were deleted.",
    ChangeLost "weir.change.lost" "A failover of the database lost a change that had been acknowledged, and told of.",
}
