//! Real clients of other makers against a real process, on both engines.

mod documents;
mod iceberg_rust;
mod readme;
mod s3;
mod seaweed;
mod sign_in;

use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, TestServer, on_both_engines};

on_both_engines!(
    pyiceberg_lives_a_table_s_whole_life,
    duckdb_lives_a_table_s_whole_life,
    spark_lives_a_table_s_whole_life
);

async fn pyiceberg_lives_a_table_s_whole_life(engine: Engine) {
    tell(engine, "venv", "test_pyiceberg.py").await;
}

async fn duckdb_lives_a_table_s_whole_life(engine: Engine) {
    tell(engine, "venv", "test_duckdb.py").await;
}

async fn spark_lives_a_table_s_whole_life(engine: Engine) {
    if is_full_lane() {
        tell(engine, "spark", "test_spark.py").await;
    } else {
        eprintln!("skipped: Spark takes minutes, `make test-full` runs it");
    }
}

/// Runs the story of one client; each Python test in it is one fact.
async fn tell(engine: Engine, environment: &str, story: &str) {
    let Some(mut python) = python(environment) else { return };
    let server = TestServer::start(engine).await;
    python
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", story])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
        .env("WEIR_URI", server.weir.url())
        .env("WEIR_PREFIX", &server.prefix);
    let said = succeed(python);
    println!("{story} on {engine:?}: {}", said.lines().last().unwrap_or_default());
}
