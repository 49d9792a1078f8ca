//! Clients of warehouses in a bucket: with keys of their own, with vended keys, by signatures.

use std::process::Command;

use serde_json::{Value, json};
use weir_tests::tools::{cache, is_full_lane, python, succeed};
use weir_tests::{Engine, Installation, S3Server, TestServer, on_both_engines};

on_both_engines!(
    pyiceberg_reads_and_writes_a_bucket,
    duckdb_reads_and_writes_a_bucket,
    pyiceberg_works_with_vended_keys_that_open_nothing_next_door,
    duckdb_works_with_vended_keys_that_open_nothing_next_door,
    pyiceberg_has_its_requests_signed_and_none_next_door,
    spark_works_with_vended_keys_that_open_nothing_next_door,
);

/// What a client brings along, so what the catalog has to give.
#[derive(Clone, Copy)]
enum Brings {
    /// The storage's own key.
    Key,
    /// Nothing: the catalog vends keys.
    Nothing,
    /// Nothing, to a storage that makes no keys: the catalog signs.
    NothingWithoutSts,
}

async fn pyiceberg_reads_and_writes_a_bucket(engine: Engine) {
    tell(engine, Brings::Key, "test_s3_pyiceberg.py").await;
}

async fn duckdb_reads_and_writes_a_bucket(engine: Engine) {
    tell(engine, Brings::Key, "test_s3_duckdb.py").await;
}

async fn pyiceberg_works_with_vended_keys_that_open_nothing_next_door(engine: Engine) {
    let s3 = tell(engine, Brings::Nothing, "test_s3_vended_pyiceberg.py").await;
    only_sessions_touched_data(s3);
}

async fn duckdb_works_with_vended_keys_that_open_nothing_next_door(engine: Engine) {
    let s3 = tell(engine, Brings::Nothing, "test_s3_vended_duckdb.py").await;
    only_sessions_touched_data(s3);
}

async fn pyiceberg_has_its_requests_signed_and_none_next_door(engine: Engine) {
    let s3 = tell(engine, Brings::NothingWithoutSts, "test_s3_signed_pyiceberg.py").await;
    let assumed = s3.map(|s3| s3.assumed().len()).unwrap_or_default();
    assert_eq!(assumed, 0, "nobody got a key");
}

/// By the keys alone that the catalog vends, through Iceberg's own `S3FileIO`.
async fn spark_works_with_vended_keys_that_open_nothing_next_door(engine: Engine) {
    if !is_full_lane() {
        return eprintln!("skipped: Spark takes minutes, `make test-full` runs it");
    }
    let jars = cache().map(|cache| cache.join("jars")).filter(|jars| jars.exists());
    let (Some(mut python), Some(jars)) = (python("spark"), jars) else {
        assert!(std::env::var("CI").is_err(), "Spark or its AWS bundle is missing: run tests/setup.sh full");
        return eprintln!("skipped: Spark or its AWS bundle is missing; `tests/setup.sh full` fetches them");
    };
    python.env("SPARK_JARS", jars);
    let s3 = S3Server::start().await;
    tell_of(engine, (profile(&s3, Brings::Nothing), S3Server::credential()), python, "test_s3_vended_spark.py").await;
    only_sessions_touched_data(Some(s3));
}

/// What was proven with vended keys was not done with the storage's own key by mistake.
fn only_sessions_touched_data(s3: Option<S3Server>) {
    let Some(s3) = s3 else { return };
    assert!(!s3.assumed().is_empty(), "no key was made");
    assert!(s3.assumed().iter().all(|one| one.policy.is_some()), "a session without a policy");
}

fn profile(s3: &S3Server, brings: Brings) -> Value {
    let mut profile = s3.profile("wh");
    profile["sts-enabled"] = json!(matches!(brings, Brings::Nothing));
    profile
}

/// `None` (said aloud) where Python is not installed.
async fn tell(engine: Engine, brings: Brings, story: &str) -> Option<S3Server> {
    let mut python = python("venv")?;
    let s3 = S3Server::start().await;
    if let Brings::Key = brings {
        python
            .env("S3_ACCESS_KEY_ID", S3Server::ACCESS_KEY_ID)
            .env("S3_SECRET_ACCESS_KEY", S3Server::SECRET_ACCESS_KEY);
    }
    let bucket = (profile(&s3, brings), S3Server::credential());
    tell_of(engine, bucket, python, story).await;
    Some(s3)
}

/// The same of any bucket, given by the profile of a warehouse with its credential.
pub async fn tell_of(engine: Engine, (profile, credential): (Value, Value), mut python: Command, story: &str) {
    let url = profile["endpoint"].as_str().expect("an endpoint").to_owned();
    let region = profile["region"].as_str().expect("a region").to_owned();
    let settings = [
        ("WEIR__STORAGE__S3__ENDPOINTS", url.as_str()),
        ("WEIR__SECRETS__KEY", "a key that only tests have, of more than 32 characters"),
    ];
    let server = TestServer::over(Installation::create(engine, &settings).await).await;
    let body = json!({"warehouse-name": "lake", "storage-profile": profile, "storage-credential": credential});
    let made = server.root.post("/management/v1/warehouse", body).send().await.expect(201).json();
    python
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", story])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
        .env("WEIR_URI", server.weir.url())
        .env("WEIR_PREFIX", made["warehouse-id"].as_str().expect("an id"))
        .env("S3_ENDPOINT", &url)
        .env("S3_REGION", region)
        // No key of the machine, no metadata service: a client has what the catalog gives it.
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    // Python blocks its thread, the storage goes on serving on the others.
    let said = tokio::task::spawn_blocking(move || succeed(python)).await.expect("the story is told");
    println!("{story} on {engine:?}: {}", said.lines().last().unwrap_or_default());
}
