//! The two engines that every story of the API is told on.

use std::future::Future;

/// Which database holds the catalog of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Superuser URL of a Postgres in which tests may make databases; `tests/with-postgres.sh` sets it.
pub const POSTGRES_VARIABLE: &str = "WEIR_TEST_POSTGRES_URL";

impl Engine {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Whether this engine can be had here. What is missing on a desk is skipped aloud, in CI it is a failure.
    pub fn is_available(self) -> bool {
        if self == Self::Sqlite || std::env::var(POSTGRES_VARIABLE).is_ok() {
            return true;
        }
        assert!(
            std::env::var("CI").is_err(),
            "{POSTGRES_VARIABLE} is not set: run the tests by `make test`, or behind tests/with-postgres.sh"
        );
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("skipped {test}: {POSTGRES_VARIABLE} is not set; `make test` sets it");
        false
    }
}

/// Tells one story on one engine; the macro [`on_both_engines!`](crate::on_both_engines) calls it.
pub fn run_on<Told: Future<Output = ()>>(engine: Engine, story: impl FnOnce(Engine) -> Told) {
    if !engine.is_available() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(story(engine));
}

/// Makes each named `async fn(Engine)` two tests: `sqlite::name`, `postgres::name`.
#[macro_export]
macro_rules! on_both_engines {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $story() { $crate::run_on($crate::Engine::Sqlite, super::$story); })+
        }
        mod postgres {
            $(#[test] fn $story() { $crate::run_on($crate::Engine::Postgres, super::$story); })+
        }
    };
}
