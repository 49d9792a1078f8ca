//! Views as clients meet their law: places, files, races, refusals that change nothing.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_view_in_a_missing_namespace_is_a_missing_view,
    views_are_listed_in_pages,
    a_name_that_a_table_holds_is_409,
    a_view_lies_where_it_is_asked_to,
    a_view_never_lies_across_a_table,
    a_view_moves_inside_its_warehouse_only,
    a_metadata_path_inside_the_view_is_honoured,
    a_commit_without_effect_writes_no_file,
    a_wrong_update_changes_nothing,
    a_lost_dialect_is_refused,
    racing_replacements_lose_nothing,
    a_repeated_create_of_a_view_is_answered_as_the_first,
    a_file_that_is_no_view_is_not_registered,
    a_registered_view_keeps_its_bytes,
    a_repeated_create_of_a_dropped_view_misses_a_view,
    a_view_file_that_says_something_twice_is_not_registered
);

const VIEWS: &str = "/namespaces/ns/views";
const VIEW: &str = "/namespaces/ns/views/v";

async fn server(engine: Engine) -> (TestServer, String) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let lake = format!("file://{}", server.installation.lake().display());
    (server, lake)
}

async fn create(server: &TestServer, body: Value) -> Value {
    server.post(VIEWS, body).send().await.expect(200).json()
}

fn at(name: &str, location: &str) -> Value {
    let mut body = bodies::create_view(name);
    body["location"] = json!(location);
    body
}

/// A replacement by another query.
fn replace(sql: &str, dialect: &str) -> Value {
    let mut version = bodies::create_view("any")["view-version"].clone();
    version["representations"] = json!([{ "type": "sql", "sql": sql, "dialect": dialect }]);
    let updates = json!([
        { "action": "add-view-version", "view-version": version },
        { "action": "set-current-view-version", "view-version-id": -1 },
    ]);
    bodies::commit(json!([]), updates)
}

async fn a_view_in_a_missing_namespace_is_a_missing_view(engine: Engine) {
    let (server, _) = server(engine).await;

    server.get("/namespaces/absent/views/v").send().await.expect_error(404, "NoSuchViewException");
    server.head("/namespaces/absent/views/v").send().await.expect(404);
    server.get("/namespaces/ns%1F/views/v").send().await.expect_error(404, "NoSuchViewException");
    server.get("/namespaces/absent/views").send().await.expect_error(404, "NoSuchNamespaceException");
    let answer = server.post("/namespaces/absent/views", bodies::create_view("v")).send().await;
    answer.expect_error(404, "NoSuchNamespaceException");
}

/// S22
async fn views_are_listed_in_pages(engine: Engine) {
    let (server, _) = server(engine).await;
    server.create_table("ns", "t").await;
    for name in ["a", "b", "c"] {
        create(&server, bodies::create_view(name)).await;
    }

    let mut names = Vec::new();
    let mut token = Value::from("");
    while let Some(text) = token.as_str() {
        let page = server.get(&format!("{VIEWS}?pageSize=2&pageToken={text}")).send().await.expect(200).json();
        let found = page["identifiers"].as_array().expect("identifiers").clone();
        assert!(found.len() <= 2);
        names.extend(found.into_iter().map(|found| found["name"].clone()));
        token = page["next-page-token"].clone();
    }

    assert_eq!(names, ["a", "b", "c"]);
}

async fn a_name_that_a_table_holds_is_409(engine: Engine) {
    let (server, _) = server(engine).await;
    server.create_table("ns", "t").await;
    create(&server, bodies::create_view("v")).await;

    let message = server.post(VIEWS, bodies::create_view("t")).send().await.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Table with same name already exists: ns.t"), "{message}");
    let rename = json!({ "source": bodies::identifier("ns", "v"), "destination": bodies::identifier("ns", "t") });
    let message = server.post("/views/rename", rename).send().await.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Cannot rename ns.v to ns.t. Table already exists"), "{message}");
}

async fn a_view_lies_where_it_is_asked_to(engine: Engine) {
    let (server, lake) = server(engine).await;

    let created = create(&server, at("v", &format!("{lake}/mine/v/"))).await;

    assert_eq!(created["metadata"]["location"], json!(format!("{lake}/mine/v")));
    let file = created["metadata-location"].as_str().expect("a location").to_owned();
    assert!(file.starts_with(&format!("{lake}/mine/v/metadata/00000-")), "{file}");
    let stored = std::fs::read(file.trim_start_matches("file://")).expect("the file");
    assert_eq!(serde_json::from_slice::<Value>(&stored).expect("JSON"), created["metadata"]);
}

/// S9, S11: tables or views, one warehouse.
async fn a_view_never_lies_across_a_table(engine: Engine) {
    let (server, lake) = server(engine).await;
    let table = server.create_table("ns", "t").await;
    let place = table["metadata"]["location"].as_str().expect("a location");

    for taken in [place.to_owned(), format!("{place}/inside")] {
        server.post(VIEWS, at("v", &taken)).send().await.expect_error(409, "AlreadyExistsException");
    }
    for outside in [lake.as_str(), "s3://bucket/v", "file:///elsewhere/v", &format!("{lake}/a/../b"), "v"] {
        server.post(VIEWS, at("v", outside)).send().await.expect_error(400, "BadRequestException");
    }
    create(&server, at("v", &format!("{place}0"))).await;
}

/// S11: set-location of a view.
async fn a_view_moves_inside_its_warehouse_only(engine: Engine) {
    let (server, lake) = server(engine).await;
    create(&server, bodies::create_view("v")).await;
    let table = server.create_table("ns", "t").await;
    let to = |location: &str| bodies::commit(json!([]), json!([{ "action": "set-location", "location": location }]));

    let taken = table["metadata"]["location"].as_str().expect("a location");
    server.post(VIEW, to(taken)).send().await.expect_error(409, "AlreadyExistsException");
    for outside in ["file:///elsewhere/v", &lake, "s3://bucket/v", &format!("{lake}/%2e%2e/v")] {
        server.post(VIEW, to(outside)).send().await.expect_error(400, "BadRequestException");
    }
    let moved = server.post(VIEW, to(&format!("{lake}/moved/v"))).send().await.expect(200).json();

    assert_eq!(moved["metadata"]["location"], json!(format!("{lake}/moved/v")));
    server.post(VIEWS, at("w", &format!("{lake}/moved/v"))).send().await.expect_error(409, "AlreadyExistsException");
}

/// S11: write.metadata.path of a view.
async fn a_metadata_path_inside_the_view_is_honoured(engine: Engine) {
    let (server, lake) = server(engine).await;
    let mut body = at("v", &format!("{lake}/mine/v"));
    for outside in [format!("{lake}/mine/v2"), format!("{lake}/mine"), "file:///elsewhere".to_owned()] {
        body["properties"] = json!({ "write.metadata.path": outside });
        server.post(VIEWS, body.clone()).send().await.expect_error(400, "BadRequestException");
    }

    body["properties"] = json!({ "write.metadata.path": format!("{lake}/mine/v/meta") });
    body["properties"]["write.metadata.compression-codec"] = json!("gzip");
    let created = create(&server, body).await;

    let file = created["metadata-location"].as_str().expect("a location");
    assert!(file.starts_with(&format!("{lake}/mine/v/meta/00000-")) && file.ends_with(".gz.metadata.json"), "{file}");
}

/// Row 24
async fn a_commit_without_effect_writes_no_file(engine: Engine) {
    let (server, _) = server(engine).await;
    let created = create(&server, bodies::create_view("v")).await;

    let same = replace("SELECT id, note FROM t", "spark");
    let answered = server.post(VIEW, same).send().await.expect(200).json();

    assert_eq!(answered["metadata-location"], created["metadata-location"]);
    assert_eq!(answered["metadata"], created["metadata"]);
}

/// Rows 23, 26
async fn a_wrong_update_changes_nothing(engine: Engine) {
    let (server, _) = server(engine).await;
    let created = create(&server, bodies::create_view("v")).await;
    let good = json!({ "action": "set-properties", "updates": { "a": "1" } });

    for bad in [
        json!({ "action": "add-snapshot" }),
        json!({ "action": "set-current-view-version", "view-version-id": 9 }),
        json!({ "action": "assign-uuid", "uuid": Uuid::nil() }),
        json!({ "action": "upgrade-format-version", "format-version": 2 }),
        json!({ "action": "set-properties", "updates": { "version.history.num-entries": "0" } }),
        json!(7),
    ] {
        let answer = server.post(VIEW, bodies::commit(json!([]), json!([good, bad]))).send().await;
        answer.expect_error(400, "BadRequestException");
    }
    let mut other = bodies::commit(json!([]), json!([good]));
    other["identifier"] = bodies::identifier("ns", "w");
    server.post(VIEW, other).send().await.expect_error(400, "BadRequestException");

    let loaded = server.get(VIEW).send().await.expect(200).json();
    assert_eq!(loaded["metadata"], created["metadata"]);
}

async fn a_lost_dialect_is_refused(engine: Engine) {
    let (server, _) = server(engine).await;
    create(&server, bodies::create_view("v")).await;

    let message = server.post(VIEW, replace("SELECT 2", "trino")).send().await.expect_error(400, "BadRequestException");

    assert!(message.contains("Cannot replace view due to loss of view dialects"), "{message}");
}

/// R1: each success is a version of its own, nobody else's is lost.
async fn racing_replacements_lose_nothing(engine: Engine) {
    let (server, _) = server(engine).await;
    create(&server, bodies::create_view("v")).await;

    let races = (0..8).map(|at| {
        let ask = server.post(VIEW, replace(&format!("SELECT {at}"), "spark"));
        async move { ask.send().await.status }
    });
    let statuses = join_all(races).await;

    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let won = statuses.iter().filter(|status| **status == 200).count();
    let loaded = server.get(VIEW).send().await.expect(200).json();
    assert_eq!(loaded["metadata"]["versions"].as_array().map(Vec::len), Some(won + 1), "{statuses:?}");
    assert_eq!(loaded["metadata"]["current-version-id"], json!(won + 1));
}

/// R13
async fn a_repeated_create_of_a_view_is_answered_as_the_first(engine: Engine) {
    let (server, _) = server(engine).await;
    let key = Uuid::now_v7().to_string();
    let ask = |body| server.post(VIEWS, body).header("Idempotency-Key", &key);

    let first = ask(bodies::create_view("v")).send().await.expect(200).json();
    let second = ask(bodies::create_view("v")).send().await.expect(200).json();

    assert_eq!(first["metadata"], second["metadata"]);
    ask(bodies::create_view("w")).send().await.expect_error(422, "UnprocessableEntityException");
}

/// R13: what was a view is missed as a view.
async fn a_repeated_create_of_a_dropped_view_misses_a_view(engine: Engine) {
    let (server, _) = server(engine).await;
    let key = Uuid::now_v7().to_string();
    let create = || server.post(VIEWS, bodies::create_view("v")).header("Idempotency-Key", &key);
    create().send().await.expect(200);
    server.delete(VIEW).send().await.expect(204);

    let message = create().send().await.expect_error(404, "NoSuchViewException");

    assert!(message.starts_with("View does not exist"), "{message}");
}

/// R26: read in one way by us, in another one by a client.
async fn a_view_file_that_says_something_twice_is_not_registered(engine: Engine) {
    let (server, lake) = server(engine).await;
    let created = create(&server, at("v", &format!("{lake}/twice"))).await;
    server.delete(VIEW).send().await.expect(204);
    let plain = created["metadata"].to_string();
    let file = server.installation.lake().join("twice/metadata/00007-twice.metadata.json");
    for (once, twice) in [
        ("\"view-uuid\":", "\"location\":\"file:///elsewhere\",\"view-uuid\":"),
        ("\"version-id\":", "\"version-id\":7,\"version-id\":"),
        ("\"sql\":", "\"sql\":\"SELECT 7\",\"sql\":"),
    ] {
        let text = plain.replacen(once, twice, 1);
        assert_ne!(text, plain, "{once} is there");
        std::fs::write(&file, text).expect("a file");
        let location = json!(format!("file://{}", file.display()));

        let answer = server.post("/namespaces/ns/register-view", register("v", &location)).send().await;

        let message = answer.expect_error(400, "BadRequestException");
        assert!(message.contains("appears twice"), "{message}");
    }
    server.head(VIEW).send().await.expect(404);
}

fn register(name: &str, location: &Value) -> Value {
    json!({ "name": name, "metadata-location": location })
}

/// R26
async fn a_file_that_is_no_view_is_not_registered(engine: Engine) {
    let (server, _) = server(engine).await;
    let table = server.create_table("ns", "t").await;
    let folder = server.installation.lake().join("loose");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("00000-short.metadata.json"), b"{\"view-uuid\":").expect("a file");
    let loose = |name: &str| json!(format!("file://{}/{name}", folder.display()));

    for location in [
        table["metadata-location"].clone(),
        loose("00000-short.metadata.json"),
        loose("00000-absent.metadata.json"),
        loose(""),
        json!("file:///etc/hostname"),
    ] {
        let answer = server.post("/namespaces/ns/register-view", register("x", &location)).send().await;
        answer.expect_error(400, "BadRequestException");
    }
    server.head("/namespaces/ns/views/x").send().await.expect(404);
}

async fn a_registered_view_keeps_its_bytes(engine: Engine) {
    let (server, lake) = server(engine).await;
    let created = create(&server, at("v", &format!("{lake}/kept"))).await;
    server.delete(VIEW).send().await.expect(204);
    let mut metadata = created["metadata"].clone();
    metadata["x-from-elsewhere"] = json!({ "b": 1, "a": 2.50 });
    let file = server.installation.lake().join("kept/metadata/00007-elsewhere.metadata.json");
    std::fs::write(&file, metadata.to_string()).expect("a file");
    let location = json!(format!("file://{}", file.display()));

    let registered = server.post("/namespaces/ns/register-view", register("v", &location)).send().await.expect(200);
    assert_eq!(registered.json()["metadata"], metadata);
    let taken = server.post("/namespaces/ns/register-view", register("v", &location)).send().await;
    taken.expect_error(409, "AlreadyExistsException");
    let replaced = server.post(VIEW, replace("SELECT 2", "spark")).send().await.expect(200).json();

    assert_eq!(replaced["metadata"]["x-from-elsewhere"], metadata["x-from-elsewhere"]);
    let next = replaced["metadata-location"].as_str().expect("a location");
    assert!(next.contains("/kept/metadata/00008-"), "{next}");
}
