//! The same catalog over a bucket, whose storage makes keys: what access to files costs.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_tests::S3Server;

use crate::dataset::Table;
use crate::target::{Door, expect_success};
use crate::wire::{Connection, Request};

pub const WAREHOUSE: &str = "bucket";

/// The settings of a catalog that may reach the storage.
pub fn settings(s3: &S3Server) -> Vec<(&'static str, String)> {
    vec![
        ("WEIR__STORAGE__S3__ENDPOINTS", s3.url()),
        ("WEIR__SECRETS__KEY", "a key that only benchmarks have, of 32 and more".to_owned()),
    ]
}

/// Makes the warehouse, gives the way to it.
pub async fn open(s3: &S3Server, door: Door) -> Result<Door> {
    let mut profile = s3.profile("wh");
    profile["sts-enabled"] = json!(true);
    let body = json!({
        "warehouse-name": WAREHOUSE, "storage-profile": profile, "storage-credential": S3Server::credential(),
    });
    let address = door.uri.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let address = address.context("the catalog's address")?.parse()?;
    let create = Request::new("POST", "/management/v1/warehouse", "Host: localhost\r\n", &body.to_string());
    let mut answer = Vec::new();
    let head = Connection::new(address).fetch(&create, &mut answer).await?;
    expect_success(head.status, &answer)?;
    let made: Value = serde_json::from_slice(&answer)?;
    ensure!(made["name"] == WAREHOUSE, "another warehouse was made: {made}");
    Ok(Door { warehouse: WAREHOUSE.to_owned(), ..door })
}

/// Path and body of a request to sign a read of the table's files.
pub fn signing(table: &Table, storage: Option<&str>) -> Result<(String, String)> {
    let storage = storage.context("only a catalog over a bucket signs")?;
    let key = table.location.strip_prefix("s3://").context("the table lies in no bucket")?;
    let body = json!({
        "method": "GET", "region": S3Server::REGION, "uri": format!("{storage}/{key}/data/part-0.parquet"), "headers": {},
    });
    Ok((format!("{}/sign", table.path), body.to_string()))
}
