//! The kinds of changes that contracts are asked about.

use std::fmt;

macro_rules! operations {
    ($($variant:ident = $text:literal $doc:literal,)*) => {
        /// What is done to the object; contracts see its text. The list grows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = $doc] $variant,)*
        }

        impl Operation {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
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

operations! {
    Create = "create" "A table is created, at once or by the commit of its staged creation.",
    StageCreate = "stage-create" "The creation of a table begins; nothing is stored yet.",
    Commit = "commit" "A table is changed, alone or in a transaction.",
    Register = "register" "A table is registered from a metadata file; with `before` where it takes the place of another.",
    Unregister = "unregister" "A table leaves the catalog, its files stay.",
    CreateView = "create-view" "A view is created.",
    RegisterView = "register-view" "A view is registered from a metadata file.",
    ReplaceView = "replace-view" "A view is changed.",
    Rename = "rename" "A table or a view gets another name or namespace, which is the target.",
    Drop = "drop" "A table or a view is dropped, softly or for good.",
    DropRecursive = "drop-recursive" "A table, a view or a namespace goes together with the namespace above it.",
    Undrop = "undrop" "A soft-deleted table or view comes back.",
    CreateNamespace = "create-namespace" "A namespace is created.",
    SetNamespaceProperties = "set-namespace-properties" "Properties of a namespace are set or removed.",
    MoveNamespace = "move-namespace" "A namespace gets another path, or a table or a view comes along with it; the target is where it goes.",
    DropNamespace = "drop-namespace" "A namespace is dropped.",
}

impl Operation {
    /// Whether the object comes to be by it, so that it has no id before.
    pub const fn is_birth(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::StageCreate
                | Self::Register
                | Self::CreateView
                | Self::RegisterView
                | Self::CreateNamespace
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_of_contracts_read_of_every_operation() {
        let page = include_str!("../../../../wit/README.md");
        for operation in Operation::ALL {
            let row = format!("| `{operation}` | {} |", operation.summary());
            assert!(page.contains(&row), "wit/README.md has no row {row}");
        }
    }
}
