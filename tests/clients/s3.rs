//! Clients that bring keys of their own to a warehouse in a bucket.

use serde_json::json;
use weir_tests::tools::{python, succeed};
use weir_tests::{Engine, Installation, S3Server, TestServer, on_both_engines};

on_both_engines!(pyiceberg_reads_and_writes_a_bucket, duckdb_reads_and_writes_a_bucket);

async fn pyiceberg_reads_and_writes_a_bucket(engine: Engine) {
    tell(engine, "test_s3_pyiceberg.py").await;
}

async fn duckdb_reads_and_writes_a_bucket(engine: Engine) {
    tell(engine, "test_s3_duckdb.py").await;
}

async fn tell(engine: Engine, story: &str) {
    let Some(mut python) = python("venv") else { return };
    let s3 = S3Server::start().await;
    let url = s3.url();
    let settings = [
        ("WEIR__STORAGE__S3__ENDPOINTS", url.as_str()),
        ("WEIR__SECRETS__KEY", "a key that only tests have, of more than 32 characters"),
    ];
    let server = TestServer::over(Installation::create(engine, &settings).await).await;
    let warehouse = json!({
        "warehouse-name": "lake", "storage-profile": s3.profile("wh"), "storage-credential": S3Server::credential(),
    });
    server.root.post("/management/v1/warehouse", warehouse).send().await.expect(201);
    python
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", story])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
        .env("WEIR_URI", server.weir.url())
        .env("WEIR_PREFIX", &server.prefix)
        .env("S3_ENDPOINT", &url)
        .env("S3_ACCESS_KEY_ID", S3Server::ACCESS_KEY_ID)
        .env("S3_SECRET_ACCESS_KEY", S3Server::SECRET_ACCESS_KEY)
        .env("S3_REGION", S3Server::REGION);
    // Python blocks its thread, the storage goes on serving on the others.
    let said = tokio::task::spawn_blocking(move || succeed(python)).await.expect("the story is told");
    println!("{story} on {engine:?}: {}", said.lines().last().unwrap_or_default());
}
