//! Requests of clients, signed one by one (S16, S17).

use serde_json::{Value, json};
use weir_tests::{Answer, Ask, Engine, Http, S3Server, guests, on_both_engines};

use crate::lake::{KEYS, Lake, NOTHING, SIGNATURES, SIGNING, key_of};

on_both_engines!(
    a_signed_request_reads_and_writes_the_table_s_files,
    every_generation_of_clients_is_told_the_signer,
    a_body_with_its_checksum_behind_it_is_signed,
    s16_next_door_nothing_is_signed,
    s17_what_the_caller_may_not_do_is_not_signed,
    s17_a_table_that_is_gone_is_not_signed_for,
    where_signing_is_off_nothing_is_signed,
    s8_no_answer_shows_the_storage_s_key,
    in_maintenance_nothing_is_signed_that_writes,
    whoever_comes_through_views_is_told_so_by_what_is_to_be_called,
);

fn body(lake: &Lake, method: &str, key: &str) -> Value {
    json!({
        "method": method, "region": S3Server::REGION, "uri": format!("{}/lake/{key}", lake.s3.url()), "headers": {},
    })
}

fn ask(lake: &Lake, method: &str, key: &str) -> Ask {
    lake.catalog.post("/namespaces/ns/tables/t/sign", body(lake, method, key))
}

/// The request to the storage, with the headers that the catalog gave.
async fn send(signed: &Answer, method: &str, body: &'static [u8]) -> reqwest::Response {
    let signed = signed.json();
    let mut request =
        reqwest::Client::new().request(method.parse().expect("a method"), signed["uri"].as_str().expect("a URI"));
    for (name, values) in signed["headers"].as_object().expect("headers") {
        request = request.header(name, values[0].as_str().expect("a value"));
    }
    request.body(body).send().await.expect("the storage answers")
}

async fn a_signed_request_reads_and_writes_the_table_s_files(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let key = format!("{}/data/day%3D1/x%20y.parquet", key_of(&lake.create_table("t").await));

    let write = ask(&lake, "PUT", &key).send().await.expect(200);
    assert_eq!(write.header("cache-control"), Some("no-cache"));
    assert_eq!(send(&write, "PUT", b"rows").await.status().as_u16(), 200);

    let read = ask(&lake, "GET", &key).send().await.expect(200);
    assert_eq!(read.header("cache-control"), Some("private"));
    assert_eq!(send(&read, "GET", b"").await.text().await.expect("a body"), "rows");
    assert_eq!(send(&read, "PUT", b"other").await.status().as_u16(), 403, "the signature is for reading");
}

async fn every_generation_of_clients_is_told_the_signer(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let loaded = lake.load("t", SIGNING).await;
    let config = &loaded["config"];
    assert_eq!(config["s3.remote-signing-enabled"], "true");
    assert_eq!(config["s3.signer"], "S3V4RestSigner");
    assert_eq!(config["s3.signer.endpoint"], config["signer.endpoint"]);
    assert!(loaded["remote-signing-config"].is_object(), "{loaded}");
    assert!(loaded.get("storage-credentials").is_none());
    let by_id = config["s3.signer.endpoint"].as_str().expect("a path");

    for path in [by_id, &format!("v1/{}/v1/aws/s3/sign", lake.id), "v1/aws/s3/sign"] {
        let signed = lake.root.post(&format!("/catalog/{path}"), body(&lake, "PUT", &key)).send().await.expect(200);
        assert_eq!(send(&signed, "PUT", b"rows").await.status().as_u16(), 200, "{path}");
    }
    let both = lake.load("t", ("X-Iceberg-Access-Delegation", "vended-credentials,remote-signing")).await;
    assert_eq!(both["config"]["s3.remote-signing-enabled"], "true");
}

/// As the SDKs of Amazon upload since they send checksums of their own accord.
async fn a_body_with_its_checksum_behind_it_is_signed(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let mut asked = body(&lake, "PUT", &key);
    asked["headers"] = json!({"x-amz-trailer": ["x-amz-checksum-crc32"], "x-amz-decoded-content-length": ["4"]});

    let signed = lake.catalog.post("/namespaces/ns/tables/t/sign", asked).send().await.expect(200).json();

    assert_eq!(signed["headers"]["x-amz-content-sha256"], json!(["STREAMING-UNSIGNED-PAYLOAD-TRAILER"]));
}

/// S9, S16: the neighbour, whichever way it is spelled.
async fn s16_next_door_nothing_is_signed(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let table = key_of(&lake.create_table("t").await);
    let other =
        lake.catalog.post("/namespaces/ns/tables", weir_tests::bodies::create_table("o")).send().await.expect(200);
    let next_door = key_of(&other.json());
    for key in [
        format!("{next_door}/data/x"),
        format!("{table}0/x"),
        format!("{table}/../{}/x", next_door.trim_start_matches("wh/")),
        format!("{table}/%2e%2e/x"),
        format!("{table}//x"),
        "wh/x".to_owned(),
        String::new(),
        format!("{table}/x?acl"),
        format!("{table}/x?tagging"),
        format!("{table}/x?versionId=1"),
        "?list-type=2&prefix=wh/".to_owned(),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            ask(&lake, method, &key).send().await.expect_error(403, "ForbiddenException");
        }
    }
    for path in [format!("v1/{}/v1/aws/s3/sign", lake.id), "v1/aws/s3/sign".to_owned()] {
        let nowhere = lake.root.post(&format!("/catalog/{path}"), body(&lake, "GET", "wh/none/x")).send().await;
        nowhere.expect_error(403, "ForbiddenException");
    }
    let mut copy = body(&lake, "PUT", &format!("{table}/x"));
    copy["headers"] = json!({"x-amz-copy-source": [format!("/lake/{next_door}/data/x")]});
    lake.catalog.post("/namespaces/ns/tables/t/sign", copy).send().await.expect_error(403, "ForbiddenException");
    assert!(lake.s3.recorded().iter().all(|one| !format!("{one:?}").contains("acl")));
}

async fn govern(lake: &Lake, action: &str) {
    let settings = json!({"rules": [{"effect": "deny", "action": action}]});
    lake.serve(&[(guests::guest("guest"), settings), (guests::bundled("s3"), json!({}))]).await;
}

/// S17: the metadata of a table that the caller may not read is not signed either.
async fn s17_what_the_caller_may_not_do_is_not_signed(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let created = lake.create_table("t").await;
    let metadata =
        created["metadata-location"].as_str().expect("a location").trim_start_matches("s3://lake/").to_owned();
    ask(&lake, "GET", &metadata).send().await.expect(200);

    govern(&lake, "table:write").await;
    ask(&lake, "GET", &metadata).send().await.expect(200);
    for method in ["PUT", "DELETE"] {
        ask(&lake, method, &metadata).send().await.expect_error(403, "ForbiddenException");
    }
    govern(&lake, "table:read").await;
    ask(&lake, "GET", &metadata).send().await.expect_error(403, "ForbiddenException");
    govern(&lake, "table:describe").await;
    ask(&lake, "GET", &metadata).send().await.expect_error(404, "NoSuchTableException");
    let anywhere = lake.root.post("/catalog/v1/aws/s3/sign", body(&lake, "GET", &metadata)).send().await;
    anywhere.expect_error(403, "ForbiddenException");
}

async fn s17_a_table_that_is_gone_is_not_signed_for(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let by_id = lake.load("t", SIGNING).await["config"]["s3.signer.endpoint"].as_str().expect("a path").to_owned();
    let move_it = json!({
        "source": {"namespace": ["ns"], "name": "t"}, "destination": {"namespace": ["ns"], "name": "u"},
    });
    lake.catalog.post("/tables/rename", move_it).send().await.expect(204);
    ask(&lake, "GET", &key).send().await.expect_error(404, "NoSuchTableException");

    lake.catalog.delete("/namespaces/ns/tables/u").send().await.expect(204);

    let by = |http: &Http, path: &str| http.post(path, body(&lake, "GET", &key));
    by(&lake.root, &format!("/catalog/{by_id}")).send().await.expect_error(404, "NoSuchTableException");
    by(&lake.root, "/catalog/v1/aws/s3/sign").send().await.expect_error(403, "ForbiddenException");
}

/// Row 49.
async fn where_signing_is_off_nothing_is_signed(engine: Engine) {
    let lake = Lake::open(engine, NOTHING).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    ask(&lake, "GET", &key).send().await.expect_error(403, "ForbiddenException");
    let config = lake.root.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
    let local = lake.root.under(&format!("/catalog/v1/{}", config["overrides"]["prefix"].as_str().expect("a prefix")));
    local.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
    local.post("/namespaces/ns/tables", weir_tests::bodies::create_table("t")).send().await.expect(200);
    let refused = local.post("/namespaces/ns/tables/t/sign", body(&lake, "GET", &key)).send().await;
    refused.expect_error(400, "BadRequestException");
}

async fn s8_no_answer_shows_the_storage_s_key(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let loaded = lake.load("t", ("X-Iceberg-Access-Delegation", "vended-credentials")).await.to_string();
    let signed = ask(&lake, "GET", &key).send().await.expect(200).text();
    for text in [loaded, signed] {
        assert!(!text.contains(S3Server::SECRET_ACCESS_KEY), "{text}");
    }
}

/// Nor are keys made that write.
async fn in_maintenance_nothing_is_signed_that_writes(engine: Engine) {
    if engine == Engine::Sqlite {
        return; // A second process cannot hold the file; the rule is the same on both engines.
    }
    let lake = Lake::open(engine, KEYS).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let (_app, catalog) = lake.in_maintenance().await;
    let ask = |method: &str| catalog.post("/namespaces/ns/tables/t/sign", body(&lake, method, &key)).send();

    ask("GET").await.expect(200);
    for method in ["PUT", "DELETE"] {
        let message = ask(method).await.expect_error(503, "ServiceUnavailableException");
        assert!(message.contains("maintenance"), "{message}");
    }
    catalog.get("/namespaces/ns/tables/t/credentials").send().await.expect(200);
    let policy = lake.s3.assumed()[0].policy.clone().expect("a policy");
    assert!(policy.contains("s3:GetObject") && !policy.contains("s3:PutObject"), "{policy}");
}

async fn whoever_comes_through_views_is_told_so_by_what_is_to_be_called(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let path = "/namespaces/ns/tables/t?referenced-by=ns%1Fv";
    let loaded = lake.catalog.get(path).header(SIGNING.0, SIGNING.1).send().await.expect(200).json();
    let signer = loaded["config"]["s3.signer.endpoint"].as_str().expect("a path");
    assert!(signer.ends_with("/v1/aws/s3/sign?referenced-by=ns%1Fv"), "{signer}");

    lake.root.post(&format!("/catalog/{signer}"), body(&lake, "GET", &key)).send().await.expect(200);
}
