//! The tables of an archive, column by column.

use super::archive::Kind::{self, Bytes, Id, Integer, Real, Small, Text, Truth};

/// A table as it is carried.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// Unique, so that the order is the same everywhere; whatever a row points at comes before it.
    order: &'static str,
}

impl Table {
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.names().join(", "), self.name, self.order)
    }

    /// The server's row is there already, with the key of its own that it keeps.
    pub(super) fn store(&self) -> String {
        let values: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        if self.name == "server" {
            let set: Vec<String> =
                self.names().iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
            return format!("UPDATE server SET {} WHERE only_row = 1", set.join(", "));
        }
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.names().join(", "), values.join(", "))
    }

    fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }
}

/// Columns that stay behind: what belongs to one installation alone. So do `relays`, `dead_letters` and the order of the
/// outbox (`seq`, `position`): who listens is another matter where the archive goes.
#[cfg(test)]
const LEFT_BEHIND: [&str; 7] =
    ["server.only_row", "server.page_key", "server.probes", "outbox.seq", "outbox.position", "relays", "dead_letters"];

/// In the order in which they are carried: what is pointed at comes first.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "server",
        order: "id",
        columns: &[("id", Id), ("created_at_ms", Integer), ("bootstrapped_at_ms", Integer)],
    },
    Table {
        name: "projects",
        order: "id",
        columns: &[
            ("id", Text),
            ("name", Text),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
            ("settings", Text),
        ],
    },
    Table {
        name: "warehouses",
        order: "id",
        columns: &[
            ("id", Id),
            ("project_id", Text),
            ("name", Text),
            ("status", Text),
            ("root", Text),
            ("storage_profile", Text),
            ("soft_delete_seconds", Integer),
            ("protected", Truth),
            ("settings", Text),
            ("version", Integer),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
        ],
    },
    // Sealed: whoever imports them needs the key of the server that exported them.
    Table {
        name: "secrets",
        order: "warehouse_id",
        columns: &[
            ("warehouse_id", Id),
            ("version", Integer),
            ("keeper", Text),
            ("sealed", Bytes),
            ("updated_at_ms", Integer),
        ],
    },
    Table {
        name: "namespaces",
        order: "warehouse_id, path",
        columns: &[
            ("id", Id),
            ("warehouse_id", Id),
            ("parent_id", Id),
            ("path", Text),
            ("name", Text),
            ("lineage", Bytes),
            ("properties", Text),
            ("protected", Truth),
            ("version", Integer),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
        ],
    },
    Table {
        name: "tabulars",
        order: "id",
        columns: &[
            ("id", Id),
            ("warehouse_id", Id),
            ("namespace_id", Id),
            ("kind", Text),
            ("name", Text),
            ("uuid", Id),
            ("location", Text),
            ("metadata_location", Text),
            ("version", Integer),
            ("format_version", Small),
            ("protected", Truth),
            ("deleted_at_ms", Integer),
            ("expires_at_ms", Integer),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
            ("document_crc32", Integer),
            ("document_length", Integer),
            ("refs_crc32", Integer),
            ("refs_length", Integer),
            ("document", Bytes),
            ("refs_document", Bytes),
        ],
    },
    Table {
        name: "idempotency",
        order: "warehouse_id, caller, key",
        columns: &[
            ("warehouse_id", Id),
            ("caller", Text),
            ("key", Text),
            ("request_digest", Text),
            ("status", Small),
            ("answer", Bytes),
            ("created_at_ms", Integer),
            ("expires_at_ms", Integer),
        ],
    },
    Table {
        name: "outbox",
        order: "id",
        columns: &[
            ("id", Id),
            ("kind", Text),
            ("warehouse_id", Id),
            ("subject", Text),
            ("body", Text),
            ("at_ms", Integer),
        ],
    },
    Table {
        name: "tasks",
        order: "id",
        columns: &[
            ("id", Id),
            ("queue", Text),
            ("project_id", Text),
            ("warehouse_id", Id),
            ("entity_id", Id),
            ("entity_kind", Text),
            ("entity_name", Text),
            ("status", Text),
            ("scheduled_for_ms", Integer),
            ("attempt", Integer),
            ("lease_id", Id),
            ("lease_until_ms", Integer),
            ("picked_up_at_ms", Integer),
            ("heartbeat_at_ms", Integer),
            ("finished_at_ms", Integer),
            ("progress", Real),
            ("payload", Text),
            ("details", Text),
            ("parent_id", Id),
            ("location", Text),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
        ],
    },
    Table {
        name: "task_attempts",
        order: "task_id, attempt, finished_at_ms",
        columns: &[
            ("task_id", Id),
            ("attempt", Integer),
            ("status", Text),
            ("started_at_ms", Integer),
            ("finished_at_ms", Integer),
            ("progress", Real),
            ("message", Text),
        ],
    },
    Table {
        name: "users",
        order: "id",
        columns: &[
            ("id", Text),
            ("name", Text),
            ("email", Text),
            ("kind", Text),
            ("updated_with", Text),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
        ],
    },
    Table {
        name: "roles",
        order: "id",
        columns: &[
            ("id", Id),
            ("project_id", Text),
            ("name", Text),
            ("description", Text),
            ("provider_id", Text),
            ("source_id", Text),
            ("created_at_ms", Integer),
            ("updated_at_ms", Integer),
        ],
    },
    Table { name: "role_users", order: "role_id, user_id", columns: &[("role_id", Id), ("user_id", Text)] },
    Table { name: "role_roles", order: "role_id, member_id", columns: &[("role_id", Id), ("member_id", Id)] },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::Dialect;
    use crate::store::migrations::MIGRATIONS;

    /// Every column of the migrations is carried or named as left behind.
    #[test]
    fn no_column_is_forgotten() {
        let schema: String =
            MIGRATIONS.iter().map(|migration| migration.text(Dialect::Sqlite)).collect::<Vec<_>>().join("\n");
        let mut missing = Vec::new();
        for table in schema.split("CREATE TABLE ").skip(1) {
            let (made, body) = table.split_once(" (\n").unwrap();
            let renamed = schema.split_once(&format!("ALTER TABLE {made} RENAME TO "));
            let name = renamed.map_or(made, |(_, rest)| rest.split(';').next().unwrap());
            if LEFT_BEHIND.contains(&name) {
                continue;
            }
            let body = body.split(") STRICT").next().unwrap();
            let known = TABLES.iter().find(|known| known.name == name);
            let lines = body.lines().filter(|line| line.starts_with("    ") && !line.starts_with("        "));
            for column in lines.filter_map(|line| line.split_whitespace().next()) {
                let carried = known.is_some_and(|known| known.names().contains(&column));
                let is_column = column.starts_with(|first: char| first.is_ascii_lowercase());
                if is_column && !carried && !LEFT_BEHIND.contains(&format!("{name}.{column}").as_str()) {
                    missing.push(format!("{name}.{column}"));
                }
            }
        }

        assert!(missing.is_empty(), "neither carried nor left behind: {missing:?}");
    }

    /// So is every column that came later.
    #[test]
    fn no_added_column_is_forgotten() {
        for migration in crate::store::MIGRATIONS {
            for added in migration.text(crate::store::engine::Dialect::Sqlite).split("ALTER TABLE ").skip(1) {
                let Some((name, column)) = added.split_once(" ADD COLUMN ") else { continue };
                let column = column.split_whitespace().next().unwrap();
                let carried = TABLES.iter().any(|known| known.name == name && known.names().contains(&column));
                assert!(
                    carried || LEFT_BEHIND.contains(&format!("{name}.{column}").as_str()),
                    "{name}.{column} is neither carried nor left behind"
                );
            }
        }
    }
}
