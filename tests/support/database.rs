//! A database of its own for each test.

use std::path::Path;

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::engine::{Engine, POSTGRES_VARIABLE};

/// An empty database; the Postgres one goes when it is dropped, the SQLite one with its folder.
pub enum Database {
    Sqlite { url: String },
    Postgres { url: String, name: String },
}

impl Database {
    pub async fn create(engine: Engine, folder: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite { url: format!("sqlite:{}", folder.join("weir.db").display()) },
            Engine::Postgres => {
                let name = format!("weir_{}", Uuid::new_v4().simple());
                run(format!("CREATE DATABASE {name}")).await;
                let url = std::env::var(POSTGRES_VARIABLE).expect("the engine is available");
                let (server, _) = url.rsplit_once('/').expect("a Postgres URL ends in a database");
                Self::Postgres { url: format!("{server}/{name}"), name }
            }
        }
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite { url } | Self::Postgres { url, .. } => url,
        }
    }
}

async fn run(statement: String) {
    let url = std::env::var(POSTGRES_VARIABLE).expect("the engine is available");
    let mut connection = PgConnection::connect(&url).await.expect("the test Postgres answers");
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
    done.expect("the test user may make databases");
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self::Postgres { name, .. } = self else { return };
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // A test's own runtime may be the one that drops this, so the statement gets another.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(run(statement));
        });
        if dropped.join().is_err() {
            eprintln!("the database of this test stays behind");
        }
    }
}
