//! The migrations that this binary carries.

use sha2::{Digest, Sha256};

use super::engine::Dialect;

/// One step of the schema, in the dialect of each engine under the same number and name.
pub struct Migration {
    pub number: i64,
    pub name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($number:literal, $name:literal, $file:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../../migrations/postgres/", $file)),
        }
    };
}

/// In the order in which they are applied; released ones never change.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "ledger", "0001_ledger.sql"),
    migration!(2, "project_settings", "0002_project_settings.sql"),
    migration!(3, "secrets", "0003_secrets.sql"),
    migration!(4, "principals", "0004_principals.sql"),
    migration!(5, "relays", "0005_relays.sql"),
];

impl Migration {
    pub(super) fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    /// Recorded with the migration, so that a change of a released one is noticed.
    pub(super) fn checksum(&self, dialect: Dialect) -> String {
        hex(&Sha256::digest(self.text(dialect)))
    }

    /// The oldest version of this program that works on the schema, from the first line of the file.
    pub(super) fn oldest_binary(&self, dialect: Dialect) -> &'static str {
        let first = self.text(dialect).lines().next().unwrap_or_default();
        first.strip_prefix("-- oldest-binary: ").unwrap_or(env!("CARGO_PKG_VERSION")).trim()
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether version `a` (such as `0.10.2`) is older than `b`; a part that is no number counts as 0.
pub(super) fn is_older(a: &str, b: &str) -> bool {
    let parts = |version: &str| -> Vec<u64> {
        let release = version.split(['-', '+']).next().unwrap_or_default();
        release.split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    parts(a) < parts(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_not_by_text() {
        assert!(is_older("0.9.0", "0.10.0"));
        assert!(is_older("0.1.0", "1.0.0"));
        assert!(!is_older("0.10.0", "0.10.0"));
        assert!(!is_older("1.0.0-rc.1", "1.0.0"));
    }

    #[test]
    fn numbers_grow_one_by_one_with_equal_first_lines() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number, index as i64 + 1, "{}", migration.name);
            assert_eq!(migration.sqlite.lines().next(), migration.postgres.lines().next(), "{}", migration.name);
            assert!(migration.sqlite.starts_with("-- oldest-binary: "), "{}", migration.name);
        }
    }
}
