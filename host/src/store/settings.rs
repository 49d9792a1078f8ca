//! What the operator may say about the store.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::error::{Error, Result};

/// Where the ledger lives; `Display` and `Debug` never show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of this machine: `sqlite:weir-data/weir.db`.
    Sqlite(PathBuf),
    /// A server: `postgres://weir:secret@db/weir`.
    Postgres(Url),
}

impl StoreUrl {
    /// Reads `sqlite:<path>` or `postgres://…`; the message of a refusal shows no password.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return match path {
                "" => Err(Error::bad_request("`sqlite:` names no file: expected e.g. `sqlite:weir-data/weir.db`")),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => Ok(Self::Postgres(url)),
            Ok(url) => Err(Error::BadRequest(format!(
                "a store of the kind `{}:` is unknown: expected `sqlite:<path>` or `postgres://user@host/database`",
                url.scheme()
            ))),
            Err(reason) => Err(Error::BadRequest(format!(
                "the store's URL cannot be read ({reason}): expected `sqlite:<path>` or `postgres://user@host/database`"
            ))),
        }
    }

    /// The file of an embedded ledger; `None` for a server.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// The directory of an embedded ledger; `None` for a server.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => path.parent(),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let host = url.host_str().unwrap_or_default();
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                write!(f, "postgres://{}@{host}{port}{}", url.username(), url.path())
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The limits of the store; times are milliseconds.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    pub url: StoreUrl,
    /// A replica that answers listings only, because it may lag behind. Postgres only.
    pub read_url: Option<StoreUrl>,
    /// Connections of each pool. SQLite: readers, of which more than eight never help.
    pub connections_max: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub acquire_timeout_ms: u64,
    /// After how long Postgres gives up on one statement; 0 means never.
    pub statement_timeout_ms: u64,
    /// Behind a transaction pooler (PgBouncer): no named prepared statements, no session settings.
    pub pooler_mode: bool,
    /// SQLite: how many commits may share one flush to disk.
    pub group_commits_max: usize,
}

impl StoreSettings {
    pub fn new(url: StoreUrl) -> Self {
        Self {
            url,
            read_url: None,
            connections_max: 16,
            acquire_timeout_ms: 2_000,
            statement_timeout_ms: 30_000,
            pooler_mode: false,
            group_commits_max: 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = StoreUrl::parse("postgres://weir:canary@db:5433/lake?sslmode=require&password=canary").unwrap();

        let shown = format!("{url} {url:?} {:?}", StoreSettings::new(url.clone()));

        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("postgres://weir@db:5433/lake"), "{shown}");
    }

    #[test]
    fn a_refused_url_is_not_repeated_in_the_message() {
        for text in ["mysql://root:canary@db/x", "postgres://u:canary@[bad/x", "canary", "sqlite:"] {
            let message = StoreUrl::parse(text).unwrap_err().to_string();

            assert!(!message.contains("canary"), "{message}");
            assert!(message.contains("expected"), "{message}");
        }
    }

    #[test]
    fn a_sqlite_path_may_be_written_in_three_ways() {
        let paths = ["sqlite:data/weir.db", "sqlite://data/weir.db"].map(|text| StoreUrl::parse(text).unwrap());

        assert_eq!(paths[0], paths[1]);
        assert_eq!(StoreUrl::parse("sqlite:///srv/weir.db").unwrap(), StoreUrl::Sqlite(PathBuf::from("/srv/weir.db")));
    }
}
