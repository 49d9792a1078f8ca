//! Identities that never change, never come back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, ordered by time so that indexes grow at their end.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| Error::BadRequest(format!("`{text}` is not a {} id: expected a UUID", $what)))
            }
        }
    };
}

id!(
    /// A warehouse; its text is the `{prefix}` of the REST paths.
    WarehouseId, "warehouse"
);
id!(
    /// A namespace of a warehouse.
    NamespaceId, "namespace"
);
id!(
    /// A table or a view as the catalog knows it: survives renames, differs from the `table-uuid` in the metadata.
    TabularId, "table"
);
id!(
    /// A background task.
    TaskId, "task"
);

id!(
    /// A role of a project.
    RoleId, "role"
);

/// A project: any short text of letters, digits, `-` and `_`, as in Lakekeeper's management API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(String);

impl ProjectId {
    pub const LENGTH_MAX: usize = 128;

    pub fn parse(text: &str) -> Result<Self, Error> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > Self::LENGTH_MAX || !text.chars().all(legal) {
            return Err(Error::BadRequest(format!(
                "`{text}` is not a project id: expected 1 to {} letters, digits, `-` or `_`",
                Self::LENGTH_MAX
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// The project of requests that name none, and of the first start.
    pub fn unnamed() -> Self {
        Self("00000000-0000-0000-0000-000000000000".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
