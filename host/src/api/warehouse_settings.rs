//! The parts of a warehouse that only the rules of the API read, kept as one JSON text.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Format versions that this build can write.
pub const FORMAT_VERSIONS: [i32; 3] = [1, 2, 3];

/// Who may change the warehouse; kept for clients that set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ManagedBy {
    /// Whoever may update the warehouse.
    #[default]
    SelfManaged,
    /// The administrators of the server.
    InstanceAdmin,
}

/// What `settings` of a warehouse row holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct WarehouseSettings {
    pub allowed_format_versions: Vec<i32>,
    pub default_format_version: Option<i32>,
    pub managed_by: ManagedBy,
    /// Which kind of key the storage has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_credential_type: Option<String>,
    pub soft_deletion: QueueSettings,
    pub tabular_purge: QueueSettings,
}

/// What an operator may set of a queue's work in one warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct QueueSettings {
    /// A worker that stays silent for longer is taken for dead; none means the server's own bound.
    pub max_seconds_since_last_heartbeat: Option<i64>,
}

impl Default for WarehouseSettings {
    fn default() -> Self {
        Self {
            allowed_format_versions: FORMAT_VERSIONS.to_vec(),
            default_format_version: None,
            managed_by: ManagedBy::default(),
            storage_credential_type: None,
            soft_deletion: QueueSettings::default(),
            tabular_purge: QueueSettings::default(),
        }
    }
}

impl WarehouseSettings {
    pub fn from_stored(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(Error::internal)
    }

    pub fn to_stored(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// Sets which versions tables may have. 400 where the versions are none, unknown, or do not hold the default.
    pub fn set_format_versions(&mut self, allowed: Vec<i32>, default: Option<i32>) -> Result<()> {
        let unknown = allowed.iter().find(|version| !FORMAT_VERSIONS.contains(version));
        if let Some(version) = unknown {
            return Err(Error::BadRequest(format!(
                "`allowed-format-versions` is a subset of {FORMAT_VERSIONS:?}, found {version}"
            )));
        }
        if allowed.is_empty() {
            return Err(Error::bad_request("`allowed-format-versions` must not be empty"));
        }
        if let Some(version) = default.filter(|version| !allowed.contains(version)) {
            return Err(Error::BadRequest(format!(
                "`default-format-version` {version} is not one of `allowed-format-versions` {allowed:?}"
            )));
        }
        self.allowed_format_versions = allowed;
        self.allowed_format_versions.sort_unstable();
        self.allowed_format_versions.dedup();
        self.default_format_version = default;
        Ok(())
    }

    /// The version of a table that asks for none: the configured one, else 2 where allowed, else the highest.
    pub fn new_table_format_version(&self) -> i32 {
        let highest = || self.allowed_format_versions.iter().copied().max().unwrap_or(2);
        let usual = || self.allowed_format_versions.contains(&2).then_some(2);
        self.default_format_version.or_else(usual).unwrap_or_else(highest)
    }

    /// 400 where a table may not have this version here.
    pub fn check_format_version(&self, version: i32) -> Result<()> {
        if self.allowed_format_versions.contains(&version) {
            return Ok(());
        }
        Err(Error::BadRequest(format!(
            "format version {version} is not allowed in this warehouse; allowed are {:?}",
            self.allowed_format_versions
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_older_row_read_as_the_defaults() {
        assert_eq!(WarehouseSettings::from_stored("{}").unwrap(), WarehouseSettings::default());
    }

    #[test]
    fn a_new_table_gets_version_2_where_allowed_else_the_highest() {
        let mut settings = WarehouseSettings::default();
        assert_eq!(settings.new_table_format_version(), 2);

        settings.set_format_versions(vec![3, 1], None).unwrap();
        assert_eq!(settings.new_table_format_version(), 3);

        settings.set_format_versions(vec![1, 2, 3], Some(1)).unwrap();
        assert_eq!(settings.new_table_format_version(), 1);
    }

    #[test]
    fn a_policy_without_a_version_or_with_a_foreign_default_is_refused() {
        let mut settings = WarehouseSettings::default();

        assert!(settings.set_format_versions(vec![], None).is_err());
        assert!(settings.set_format_versions(vec![4], None).is_err());
        assert!(settings.set_format_versions(vec![2], Some(3)).is_err());
        assert_eq!(settings, WarehouseSettings::default());
    }
}
