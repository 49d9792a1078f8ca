//! Processes that end at one chosen call (R5): between file, transaction, answer.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;
use weir_tests::disk::{Call, Disk, Doom, Rule};
use weir_tests::{Ask, Engine, Installation, TestServer, bodies, on_both_engines};

on_both_engines!(
    r5_a_commit_that_dies_at_any_point_happens_once_when_it_is_asked_again,
    r5_a_creation_that_dies_at_any_point_happens_once_when_it_is_asked_again
);

const TABLE: &str = "/namespaces/ns/tables/t";
const FILE: &str = ".metadata.json";

/// Each is a call at which the process ends, with the words that say where that is in the story of a change.
fn points(engine: Engine) -> Vec<(&'static str, Rule)> {
    let mut points = vec![
        ("the file is there, but empty", Rule::new(Call::Write, FILE, Doom::KillBefore)),
        ("after the file, before SQL", Rule::new(Call::Write, FILE, Doom::KillAfter)),
    ];
    points.extend(match engine {
        Engine::Sqlite => vec![
            ("before the first page of the log", Rule::new(Call::Write, "-wal", Doom::KillBefore)),
            ("amid the pages of the log", Rule { skip: 2, ..Rule::new(Call::Write, "-wal", Doom::KillAfter) }),
            ("before the flush of the log", Rule::new(Call::Sync, "-wal", Doom::KillBefore)),
            ("after SQL, before the answer", Rule::new(Call::Sync, "-wal", Doom::KillAfter)),
        ],
        Engine::Postgres => vec![
            ("after the statements, before COMMIT", Rule::new(Call::Send, "COMMIT", Doom::KillBefore)),
            ("after COMMIT, before its answer", Rule::new(Call::Send, "COMMIT", Doom::KillAfter)),
            ("after SQL, before the answer", Rule::new(Call::Answer, "COMMIT", Doom::KillBefore)),
        ],
    });
    points
}

/// Background work writes as well, and would die in the place of the request.
async fn with_disk(engine: Engine) -> (TestServer, Disk) {
    let mut installation = Installation::create(engine, &[("WEIR__TASKS__ENABLED", "false")]).await;
    let disk = Disk::under(&mut installation);
    let server = TestServer::over(installation).await;
    server.create_namespace("ns").await;
    (server, disk)
}

/// Sends a request during which the process ends by that rule; then starts another one.
async fn die_at(server: &mut TestServer, disk: &Disk, (point, rule): (&str, Rule), ask: Ask) {
    disk.obey(&[rule]);
    if let Some(answer) = ask.try_send().await {
        panic!("{point}: {} was answered: {}", answer.status, answer.text());
    }
    for _ in 0..6_000 {
        if server.weir.has_ended() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(server.weir.has_ended(), "{point}: the process goes on");
    disk.obey(&[]);
    server.restart().await;
}

/// Where the pointer leads lies what the table is.
async fn load(server: &TestServer, table: &str, point: &str) -> Value {
    let loaded = server.get(table).send().await.expect(200).json();
    let location = loaded["metadata-location"].as_str().and_then(|location| location.strip_prefix("file://"));
    let file = std::fs::read(Path::new(location.expect("a local file")));
    let file = file.unwrap_or_else(|error| panic!("{point}: the pointer dangles: {error}"));
    assert_eq!(serde_json::from_slice::<Value>(&file).expect("JSON"), loaded["metadata"], "{point}");
    loaded
}

async fn r5_a_commit_that_dies_at_any_point_happens_once_when_it_is_asked_again(engine: Engine) {
    if !Disk::is_available() {
        return;
    }
    let (mut server, disk) = with_disk(engine).await;
    server.create_table("ns", "t").await;
    for (number, point) in points(engine).into_iter().enumerate() {
        let key = Uuid::now_v7().to_string();
        let body = bodies::commit(json!([]), bodies::set_property(&format!("k{number}"), point.0));
        let commit = |server: &TestServer| server.post(TABLE, body.clone()).header("Idempotency-Key", &key);

        let ask = commit(&server);
        die_at(&mut server, &disk, point, ask).await;

        load(&server, TABLE, point.0).await;
        let first = commit(&server).send().await.expect(200).json();
        let again = commit(&server).send().await.expect(200).json();
        let loaded = load(&server, TABLE, point.0).await;
        for member in ["metadata", "metadata-location"] {
            assert_eq!(first[member], again[member], "{}", point.0);
            assert_eq!(first[member], loaded[member], "{}", point.0);
        }
        let location = loaded["metadata-location"].as_str().expect("a location");
        let (_, name) = location.rsplit_once('/').expect("a path");
        assert!(name.starts_with(&format!("{:05}-", number + 1)), "{}: {name}", point.0);
        assert_eq!(loaded["metadata"]["properties"][format!("k{number}")], point.0);
    }
}

async fn r5_a_creation_that_dies_at_any_point_happens_once_when_it_is_asked_again(engine: Engine) {
    if !Disk::is_available() {
        return;
    }
    let (mut server, disk) = with_disk(engine).await;
    for (number, point) in points(engine).into_iter().enumerate() {
        let key = Uuid::now_v7().to_string();
        let name = format!("t{number}");
        let body = bodies::create_table(&name);
        let create =
            |server: &TestServer| server.post("/namespaces/ns/tables", body.clone()).header("Idempotency-Key", &key);

        let ask = create(&server);
        die_at(&mut server, &disk, point, ask).await;

        let first = create(&server).send().await.expect(200).json();
        let again = create(&server).send().await.expect(200).json();
        let loaded = load(&server, &format!("/namespaces/ns/tables/{name}"), point.0).await;
        assert_eq!(first["metadata"], again["metadata"], "{}", point.0);
        assert_eq!(first["metadata"], loaded["metadata"], "{}", point.0);
        let listed = server.get("/namespaces/ns/tables").send().await.expect(200).json();
        assert_eq!(listed["identifiers"].as_array().map(Vec::len), Some(number + 1), "{}", point.0);
    }
}
