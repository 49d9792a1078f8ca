//! `[catalog]`: rules of the catalog itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// Rules of the catalog itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Read-only maintenance: changes are refused with 503 (commits with 429) and `Retry-After`, loads go on.
    pub read_only: bool,
    /// The most entries on one page of a listing; a larger `pageSize` is clamped to it.
    #[schemars(range(min = 1, max = 100_000))]
    pub page_size_max: u32,
    /// The entries on a page whose client pages without asking for a size.
    #[schemars(range(min = 1, max = 100_000))]
    pub page_size_default: u32,
    /// What separates the parts of a namespace in paths, URL-encoded as clients are told, e.g. `%2E`; the unit separator
    /// `%1F` is always understood and the default.
    #[schemars(example = &"%2E")]
    pub namespace_separator: Option<String>,
    /// Memory for metadata documents that were loaded or committed lately, in bytes.
    #[schemars(range(min = 0, max = 68_719_476_736u64))]
    pub document_cache_bytes_max: u64,
    /// The most table changes in one transaction.
    #[schemars(range(min = 1, max = 10_000))]
    pub transaction_tables_max: usize,
    /// First parts that no namespace may begin with.
    #[schemars(example = &["information_schema", "system"])]
    pub reserved_namespaces: Vec<String>,
    /// How long an `Idempotency-Key` is remembered, in seconds.
    #[schemars(range(min = 60, max = 2_592_000))]
    pub idempotency_key_lifetime_s: u64,
    /// The largest metadata file that is read from storage (register), in bytes.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub metadata_bytes_max: u64,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            read_only: false,
            page_size_max: 10_000,
            page_size_default: 1_000,
            namespace_separator: None,
            document_cache_bytes_max: 64 * 1024 * 1024,
            transaction_tables_max: 1_000,
            reserved_namespaces: vec!["information_schema".to_owned(), "system".to_owned()],
            idempotency_key_lifetime_s: 24 * 60 * 60,
            metadata_bytes_max: 64 * 1024 * 1024,
        }
    }
}

impl Catalog {
    pub fn idempotency_lifetime_ms(&self) -> i64 {
        i64::try_from(self.idempotency_key_lifetime_s.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let bad = |name: &&String| name.is_empty() || name.contains(['\0', '\u{1F}']);
        let problem = |name: &String| Problem::at("catalog.reserved_namespaces", format!("{name:?}"), "names");
        self.reserved_namespaces.iter().filter(bad).map(problem).collect()
    }
}
