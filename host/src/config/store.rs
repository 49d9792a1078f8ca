//! `[store]`: the database that holds the catalog.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, SecretUrl};

/// The database that holds the catalog.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:<file>` (embedded, one process) or `postgres://user:password@host/database` (15 or newer, any number of
    /// replicas). Secret: shown without its password.
    #[schemars(example = &"sqlite:./weir-data/weir.db", example = &"postgres://weir:secret@db:5432/weir")]
    pub url: SecretUrl,
    /// A replica of the Postgres database that serves listings and statistics; pointers, permissions and idempotency
    /// keys are always read from `url`.
    #[schemars(example = &"postgres://weir:secret@db-replica:5432/weir")]
    pub read_url: Option<SecretUrl>,
    /// The most connections to `url`, and as many to `read_url`; on SQLite the readers beside the one writer, of which
    /// more than eight never help.
    #[schemars(range(min = 1, max = 1000))]
    pub connections_max: u32,
    /// How long a request waits for a free connection, in milliseconds; afterwards it is answered with 503.
    #[schemars(range(min = 10, max = 60_000))]
    pub acquire_timeout_ms: u64,
    /// How long the database may work on one statement, in milliseconds.
    #[schemars(range(min = 100, max = 600_000))]
    pub statement_timeout_ms: u64,
    /// The most commits that share one flush to the disk, on SQLite only; those that come while one is under way wait for
    /// the next.
    #[schemars(range(min = 1, max = 4096))]
    pub group_commits_max: usize,
    /// What stands between Weir and Postgres: nothing or a pooler in session mode (`session`), or one in transaction
    /// mode (`transaction`: no prepared statements, no session state).
    pub pooler_mode: PoolerMode,
    /// Whether `serve` brings the schema up to date; otherwise `weir migrate` does, and `serve` refuses an old schema.
    pub migrate_at_start: bool,
}

/// What stands between Weir and Postgres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PoolerMode {
    #[default]
    Session,
    Transaction,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: SecretUrl::new("sqlite:./weir-data/weir.db"),
            read_url: None,
            connections_max: 16,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            group_commits_max: 64,
            pooler_mode: PoolerMode::Session,
            migrate_at_start: true,
        }
    }
}

impl Store {
    /// Whether the database is a file of this process.
    pub fn is_embedded(&self) -> bool {
        self.url.expose().starts_with("sqlite:")
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.is_embedded() && !is_postgres(&self.url) {
            problems.push(Problem::at("store.url", &self.url, "a URL that begins with `sqlite:` or `postgres://`"));
        }
        match &self.read_url {
            Some(url) if !is_postgres(url) => {
                problems.push(Problem::at("store.read_url", url, "a URL that begins with `postgres://`"));
            }
            Some(url) if self.is_embedded() => {
                let expected = "no read_url beside an SQLite `store.url`, which reads from its own file";
                problems.push(Problem::at("store.read_url", url, expected));
            }
            _ => {}
        }
        problems
    }
}

fn is_postgres(url: &SecretUrl) -> bool {
    url.expose().starts_with("postgres://") || url.expose().starts_with("postgresql://")
}
