//! Warehouses in a bucket: made, changed, validated, emptied.

use serde_json::{Value, json};
use weir_tests::s3::{Fault, On, Quirks};
use weir_tests::{Engine, Http, S3Server, on_both_engines};

use crate::lake::{Lake, body, house};

on_both_engines!(
    a_warehouse_in_a_bucket_serves_tables,
    a_table_in_a_bucket_is_registered_from_its_file,
    r15_a_purge_deletes_the_objects_of_the_table_and_no_sibling,
    r15_a_purge_works_on_a_storage_that_deletes_one_by_one,
    r15_a_purge_works_on_a_storage_that_wants_the_md5_of_what_is_deleted,
    a_warehouse_that_its_key_does_not_open_is_not_created,
    every_problem_of_a_bucket_s_profile_is_told_with_its_pointer,
    s18_an_endpoint_that_the_operator_does_not_list_is_never_asked,
    the_identity_of_the_machine_is_not_lent_unless_the_operator_says_so,
    a_new_credential_takes_the_place_of_the_old_one,
    a_new_profile_needs_the_credential_again,
    a_validation_tries_the_bucket,
    a_deleted_warehouse_takes_its_secret_along,
);

async fn a_warehouse_in_a_bucket_serves_tables(engine: Engine) {
    let lake = Lake::open(engine).await;

    let created = lake.create_table("t").await;
    lake.commit("t", "1").send().await.expect(200);

    let loaded = lake.load("t").await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["a"], "1");
    let location = loaded["metadata-location"].as_str().expect("a location");
    assert!(location.starts_with("s3://lake/wh/"), "{location}");
    assert_eq!(lake.object(&loaded["metadata-location"]), Some(loaded["metadata"].clone()));
    assert_eq!(lake.object(&created["metadata-location"]), Some(created["metadata"].clone()));
    let shown = lake.warehouse.get("").send().await.expect(200);
    assert_eq!(shown.json()["storage-credential-type"], json!({"type": "s3", "credential-type": "access-key"}));
    assert!(!shown.text().contains(S3Server::SECRET_ACCESS_KEY) && !shown.text().contains(S3Server::ACCESS_KEY_ID));
}

async fn a_table_in_a_bucket_is_registered_from_its_file(engine: Engine) {
    let lake = Lake::open(engine).await;
    let created = lake.create_table("t").await;
    lake.catalog.post("/namespaces/ns/tables/t/unregister", json!({})).send().await.expect(200);

    let body = json!({"name": "again", "metadata-location": created["metadata-location"]});
    let registered = lake.catalog.post("/namespaces/ns/register", body).send().await.expect(200).json();

    assert_eq!(registered["metadata"], created["metadata"]);
    let elsewhere = json!({"name": "x", "metadata-location": "s3://other/wh/metadata/00000-x.metadata.json"});
    lake.catalog.post("/namespaces/ns/register", elsewhere).send().await.expect(400);
}

/// Pages of two keys, so that the listing has several.
async fn r15_a_purge_deletes_the_objects_of_the_table_and_no_sibling(engine: Engine) {
    purge(engine, Quirks { page_keys_max: 2, ..Quirks::default() }).await;
}

async fn r15_a_purge_works_on_a_storage_that_deletes_one_by_one(engine: Engine) {
    purge(engine, Quirks { deletes_many: false, page_keys_max: 3, ..Quirks::default() }).await;
}

async fn r15_a_purge_works_on_a_storage_that_wants_the_md5_of_what_is_deleted(engine: Engine) {
    purge(engine, Quirks { wants_md5: true, page_keys_max: 3, ..Quirks::default() }).await;
}

async fn purge(engine: Engine, quirks: Quirks) {
    let lake = Lake::open(engine).await;
    lake.create_table_at("t1", "s3://lake/wh/t1").await;
    let sibling = lake.create_table_at("t10", "s3://lake/wh/t10").await;
    for number in 0..7 {
        lake.s3.put("lake", &format!("wh/t1/data/{number} ü&+.parquet"), &b"data"[..]);
        lake.s3.put("lake", &format!("wh/t10/data/{number}.parquet"), &b"data"[..]);
    }
    lake.s3.put("lake", "wh/t1", &b"marker"[..]);
    lake.s3.put("lake", "wh/t1.txt", &b"not the table's"[..]);
    let siblings = lake.keys_under("s3://lake/wh/t10");
    lake.s3.set_quirks(quirks);

    lake.catalog.delete("/namespaces/ns/tables/t1?purgeRequested=true").send().await.expect(204);
    lake.house.work().await;

    assert_eq!(lake.keys_under("s3://lake/wh/t1"), Vec::<String>::new());
    assert_eq!(lake.keys_under("s3://lake/wh/t10"), siblings);
    assert_eq!(siblings.len(), 8);
    assert!(lake.s3.object("lake", "wh/t1").is_none());
    assert!(lake.s3.object("lake", "wh/t1.txt").is_some());
    assert_eq!(lake.load("t10").await.expect(200).json()["metadata"], sibling["metadata"]);
}

async fn a_warehouse_that_its_key_does_not_open_is_not_created(engine: Engine) {
    let s3 = S3Server::start().await;
    let house = house(engine, &s3, &[]).await;
    let mut wrong_key = body(&s3, "lake", "wh");
    wrong_key["storage-credential"]["secret-access-key"] = json!("canary");
    let mut wrong_bucket = body(&s3, "lake", "wh");
    wrong_bucket["storage-profile"]["bucket"] = json!("other");
    let mut no_key = body(&s3, "lake", "wh");
    no_key["storage-credential"] = Value::Null;

    for (request, reason) in
        [(wrong_key, "SignatureDoesNotMatch"), (wrong_bucket, "NoSuchBucket"), (no_key, "storage-credential")]
    {
        let message =
            house.management.post("/warehouse", request).send().await.expect_error(400, "BadRequestException");
        assert!(message.contains(reason) && !message.contains("canary"), "{message}");
    }

    let listed = house.management.get("/warehouse").send().await.expect(200).json();
    assert_eq!(listed["warehouses"].as_array().expect("a list").len(), 1);
    assert_eq!(s3.keys("lake"), Vec::<String>::new());
}

async fn every_problem_of_a_bucket_s_profile_is_told_with_its_pointer(engine: Engine) {
    let s3 = S3Server::start().await;
    let house = house(engine, &s3, &[]).await;
    let mut request = body(&s3, "lake", "wh");
    request["storage-profile"]["region"] = json!("");
    request["storage-profile"]["assume-role-arn"] = json!("the role of the lake");
    request["storage-credential"]["access-key-id"] = json!("canary/canary");

    let message = house.management.post("/warehouse", request).send().await.expect_error(400, "BadRequestException");

    for pointer in ["`/region`", "`/assume-role-arn`", "`/access-key-id`"] {
        assert!(message.contains(pointer), "{pointer} in {message}");
    }
    assert!(!message.contains("canary"), "{message}");
}

async fn s18_an_endpoint_that_the_operator_does_not_list_is_never_asked(engine: Engine) {
    let (s3, other) = (S3Server::start().await, S3Server::start().await);
    let listed = format!("{},http://169.254.169.254,http://[fd00:ec2::254]", s3.url());
    let house = house(engine, &s3, &[("WEIR__STORAGE__S3__ENDPOINTS", &listed)]).await;

    for (name, url, reason) in [
        ("endpoint", other.url().as_str(), "storage.s3"),
        ("sts-endpoint", other.url().as_str(), "storage.s3"),
        ("endpoint", "http://169.254.169.254", "metadata"),
        ("sts-endpoint", "http://[fd00:ec2::254]", "metadata"),
        ("endpoint", "http://2852039166", "metadata"),
        ("endpoint", "http://localhost", "storage.s3"),
        ("endpoint", "file:///etc/passwd", "https://"),
        ("endpoint", "gopher://127.0.0.1", "https://"),
    ] {
        let mut request = body(&s3, "lake", "wh");
        request["storage-profile"][name] = json!(url);
        let message =
            house.management.post("/warehouse", request).send().await.expect_error(400, "BadRequestException");
        assert!(message.contains(reason), "{url}: {message}");
    }

    assert_eq!(other.recorded().len(), 0);
    assert_eq!(s3.recorded().len(), 0);
}

async fn the_identity_of_the_machine_is_not_lent_unless_the_operator_says_so(engine: Engine) {
    let s3 = S3Server::start().await;
    let house = house(engine, &s3, &[]).await;
    let mut request = body(&s3, "lake", "wh");
    request["storage-credential"] = json!({"type": "s3", "credential-type": "aws-system-identity"});

    let message = house.management.post("/warehouse", request).send().await.expect_error(400, "BadRequestException");

    assert!(message.contains("system_identity"), "{message}");
}

async fn a_new_credential_takes_the_place_of_the_old_one(engine: Engine) {
    let lake = Lake::open(engine).await;
    lake.create_table("t").await;
    lake.s3.add_key("AKIASECOND", "another secret");
    let credential = |secret: &str| {
        json!({"new-storage-credential": {"type": "s3", "credential-type": "access-key",
            "access-key-id": "AKIASECOND", "secret-access-key": secret}})
    };
    let set = |secret: &str| lake.warehouse.post("/storage-credential", credential(secret)).send();

    set("wrong").await.expect_error(400, "BadRequestException");
    lake.warehouse.post("/storage-credential", json!({})).send().await.expect_error(400, "BadRequestException");
    lake.commit("t", "1").send().await.expect(200);
    set("another secret").await.expect(200);
    lake.s3.remove_key(S3Server::ACCESS_KEY_ID);

    lake.commit("t", "2").send().await.expect(200);
    let last = lake.s3.recorded().pop().expect("a request");
    assert_eq!(last.access_key_id, "AKIASECOND");
    let local = lake.house.warehouse.post("/storage-credential", credential("another secret")).send().await;
    local.expect_error(400, "BadRequestException");
}

async fn a_new_profile_needs_the_credential_again(engine: Engine) {
    let lake = Lake::open(engine).await;
    lake.create_table("t").await;
    let mut profile = lake.s3.profile("wh");
    profile["remote-signing-enabled"] = json!(false);
    let update = |profile: &Value, credential: Value| {
        let body = json!({"storage-profile": profile, "storage-credential": credential});
        lake.warehouse.post("/storage", body).send()
    };

    update(&profile, Value::Null).await.expect_error(400, "BadRequestException");
    update(&lake.s3.profile("elsewhere"), S3Server::credential()).await.expect_error(400, "BadRequestException");
    let answer = update(&profile, S3Server::credential()).await.expect(200).json();

    assert_eq!(answer["storage-profile"]["remote-signing-enabled"], false);
    lake.commit("t", "1").send().await.expect(200);
}

async fn a_validation_tries_the_bucket(engine: Engine) {
    let lake = Lake::open(engine).await;
    let check = |answer: &Value, name: &str| {
        let checks = answer["checks"].as_array().expect("a list").clone();
        checks.into_iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} in {answer}"))
    };
    let validate = || lake.warehouse.post("/storage/validate-access", json!({})).send();

    let well = validate().await.expect(200).json();
    assert_eq!(well["valid"], true, "{well}");
    assert_eq!(check(&well, "lakekeeper-read-write")["status"], "passed");
    assert!(check(&well, "lakekeeper-read-write")["duration-ms"].is_u64());
    assert_eq!(check(&well, "cleanup")["status"], "passed");

    lake.s3.fail_next_times(4, On::List, Fault::InternalError);
    let ill = validate().await.expect(200).json();
    assert_eq!(ill["valid"], false);
    let failed = check(&ill, "lakekeeper-read-write");
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"]["message"].as_str().expect("a message").contains("listed"), "{failed}");
    assert!(lake.s3.keys("lake").iter().all(|key| !key.contains("probe")), "the probe is removed all the same");

    let mut proposed = body(&lake.s3, "new", "new");
    proposed["storage-credential"]["secret-access-key"] = json!("canary");
    let validate = lake.house.management.post("/warehouse-creation-validation", proposed).send().await.expect(200);
    assert_eq!(check(&validate.json(), "lakekeeper-read-write")["status"], "failed");
    assert!(!validate.text().contains("canary"));
}

async fn a_deleted_warehouse_takes_its_secret_along(engine: Engine) {
    let lake = Lake::open(engine).await;
    let id = lake.id.parse().expect("an id");
    assert!(lake.house.app.store.secret(id).await.expect("it is read").is_some());
    lake.warehouse.delete("").send().await.expect(409);
    assert!(lake.house.app.store.secret(id).await.expect("it is read").is_some());

    lake.catalog.delete("/namespaces/ns").send().await.expect(204);
    lake.warehouse.delete("").send().await.expect(204);

    assert!(lake.house.app.store.secret(id).await.expect("it is read").is_none());
    Http::new(lake.warehouse.base()).get("").send().await.expect(404);
}
