//! What an authorizer is told with a question, beyond names with ids: the attributes that each action carries.

use super::{Action, Kind};

/// One attribute, or one family of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    Protected,
    Status,
    Location,
    FormatVersion,
    Properties,
    UpdateKinds,
    Refs,
    ChangedProperties,
    NewName,
    NewNamespace,
    Force,
    Purge,
    Recursive,
    Privilege,
}

impl Fact {
    pub const ALL: &'static [Self] = &[
        Self::Protected,
        Self::Status,
        Self::Location,
        Self::FormatVersion,
        Self::Properties,
        Self::UpdateKinds,
        Self::Refs,
        Self::ChangedProperties,
        Self::NewName,
        Self::NewNamespace,
        Self::Force,
        Self::Purge,
        Self::Recursive,
        Self::Privilege,
    ];

    /// The key of the attribute; of a family what all its keys begin with.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Status => "status",
            Self::Location => "location",
            Self::FormatVersion => "format-version",
            Self::Properties => "property.",
            Self::UpdateKinds => "update-kinds",
            Self::Refs => "refs",
            Self::ChangedProperties => "changed-properties",
            Self::NewName => "new-name",
            Self::NewNamespace => "new-namespace",
            Self::Force => "force",
            Self::Purge => "purge",
            Self::Recursive => "recursive",
            Self::Privilege => "privilege",
        }
    }

    /// The case of the WIT `value` that it comes in.
    pub const fn value(self) -> &'static str {
        match self {
            Self::Protected | Self::Force | Self::Purge | Self::Recursive => "boolean",
            Self::Status | Self::Location | Self::Properties | Self::NewName | Self::Privilege => "text",
            Self::FormatVersion => "integer",
            Self::UpdateKinds | Self::Refs | Self::ChangedProperties | Self::NewNamespace => "texts",
        }
    }

    pub const fn summary(self) -> &'static str {
        match self {
            Self::Protected => "Whether the object is protected from being dropped.",
            Self::Status => "`active` or `inactive`.",
            Self::Location => "Where the files lie, in its one canonical form, without a slash at the end.",
            Self::FormatVersion => "The format version of the metadata.",
            Self::Properties => "One attribute for each property that the object has now, e.g. `property.owner`.",
            Self::UpdateKinds => "The `action` of each update of the commit, in order, each once.",
            Self::Refs => "The branches or tags that the commit sets or removes.",
            Self::ChangedProperties => "The keys of the properties that the request sets or removes.",
            Self::NewName => "The name that something new, or the renamed object, is to have.",
            Self::NewNamespace => "The parts of the namespace that the renamed object is to lie in.",
            Self::Force => "Whether protection is to be overridden.",
            Self::Purge => "Whether the files are to be deleted too.",
            Self::Recursive => "Whether all that is inside is to be dropped too.",
            Self::Privilege => {
                "The privilege that is to be given or taken away, in the words of the plugin that keeps grants."
            }
        }
    }
}

const PLACE: &[Fact] = &[Fact::Protected, Fact::Status, Fact::Location];
const PLACE_FOR_NEW: &[Fact] = &[Fact::Protected, Fact::Status, Fact::Location, Fact::NewName];
const NAMESPACE: &[Fact] = &[Fact::Protected, Fact::Properties];
const NAMESPACE_FOR_NEW: &[Fact] = &[Fact::Protected, Fact::Properties, Fact::NewName];
const TABULAR: &[Fact] = &[Fact::Protected, Fact::Location, Fact::FormatVersion, Fact::Properties];

impl Action {
    /// The attributes that an authorizer gets with the question.
    ///
    /// The sight of a table or a view carries none: a listing of thousands has no more than ids with names, and must
    /// show exactly what single questions allow.
    pub const fn facts(self) -> &'static [Fact] {
        match self {
            Self::ServerCreateProject
            | Self::ProjectRename
            | Self::ProjectCreateWarehouse
            | Self::ProjectCreateRole => &[Fact::NewName],
            Self::WarehouseCreateNamespace | Self::WarehouseAcceptNamespace => PLACE_FOR_NEW,
            Self::NamespaceCreateNamespace
            | Self::NamespaceAcceptNamespace
            | Self::NamespaceCreateTable
            | Self::NamespaceCreateView => NAMESPACE_FOR_NEW,
            Self::NamespaceMove => &[Fact::Protected, Fact::Properties, Fact::NewNamespace, Fact::NewName, Fact::Force],
            Self::NamespaceUpdateProperties => &[Fact::Protected, Fact::Properties, Fact::ChangedProperties],
            Self::NamespaceDrop => &[Fact::Protected, Fact::Properties, Fact::Recursive, Fact::Force, Fact::Purge],
            Self::ServerGrant | Self::ProjectGrant => &[Fact::Privilege],
            Self::WarehouseGrant => &[Fact::Protected, Fact::Status, Fact::Location, Fact::Privilege],
            Self::NamespaceGrant => &[Fact::Protected, Fact::Properties, Fact::Privilege],
            Self::TableGrant | Self::ViewGrant => {
                &[Fact::Protected, Fact::Location, Fact::FormatVersion, Fact::Properties, Fact::Privilege]
            }
            Self::TableDescribe | Self::ViewDescribe => &[],
            Self::TableCommit => &[
                Fact::Protected,
                Fact::Location,
                Fact::FormatVersion,
                Fact::Properties,
                Fact::UpdateKinds,
                Fact::Refs,
                Fact::ChangedProperties,
            ],
            Self::ViewCommit => &[
                Fact::Protected,
                Fact::Location,
                Fact::FormatVersion,
                Fact::Properties,
                Fact::UpdateKinds,
                Fact::ChangedProperties,
            ],
            Self::TableRename | Self::ViewRename => &[
                Fact::Protected,
                Fact::Location,
                Fact::FormatVersion,
                Fact::Properties,
                Fact::NewNamespace,
                Fact::NewName,
            ],
            Self::TableDrop | Self::ViewDrop => {
                &[Fact::Protected, Fact::Location, Fact::FormatVersion, Fact::Properties, Fact::Force, Fact::Purge]
            }
            other => match other.kind() {
                Kind::Server | Kind::Project | Kind::Role => &[],
                Kind::Warehouse => PLACE,
                Kind::Namespace => NAMESPACE,
                Kind::Table | Kind::View => TABULAR,
            },
        }
    }
}
