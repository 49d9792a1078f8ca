//! R9: changes that were acknowledged, then lost by the database, are told of.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use weir::store::rows::Event;
use weir::tasks::losses::{Watch, tell_losses};
use weir_tests::{Answer, Engine, bodies, on_both_engines, run_on};

use crate::house::{House, path_of};

on_both_engines!(r9_nothing_is_told_of_changes_that_are_there);

/// The database as a standby had it, which is promoted later.
async fn remember(house: &House) {
    run(house, &["CREATE TABLE kept_tabulars AS TABLE tabulars", "CREATE TABLE kept_outbox AS TABLE outbox"]).await;
}

async fn fail_over(house: &House) {
    let back = [
        "DELETE FROM tabulars",
        "INSERT INTO tabulars SELECT * FROM kept_tabulars",
        "DELETE FROM outbox WHERE id NOT IN (SELECT id FROM kept_outbox)",
    ];
    run(house, &back).await;
}

async fn run(house: &House, statements: &[&'static str]) {
    let mut connection = PgConnection::connect(house.installation.database_url()).await.expect("Postgres answers");
    for statement in statements {
        sqlx::raw_sql(*statement).execute(&mut connection).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

async fn set(house: &House, value: &str) -> Value {
    let body = bodies::commit(json!([]), bodies::set_property("k", value));
    house.catalog.post("/namespaces/ns/tables/t", body).send().await.expect(200).json()
}

async fn load(house: &House) -> Answer {
    house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200)
}

/// What was told of lost changes.
async fn told(house: &House) -> Vec<(Event, Value)> {
    let events = house.app.store.events_page(None, 1_000).await.expect("the store answers");
    let lost = events.into_iter().filter(|event| event.kind == "weir.change.lost");
    lost.map(|event| (event.clone(), serde_json::from_str(&event.body).expect("JSON"))).collect()
}

#[test]
fn r9_a_lost_commit_is_told_once_with_both_places() {
    run_on(Engine::Postgres, async |engine| {
        let house = House::open(engine).await;
        house.create_namespace("ns").await;
        house.create_table("ns", "t").await;
        let kept = set(&house, "kept").await;
        remember(&house).await;
        let lost = set(&house, "lost").await;
        house.create_table("ns", "u").await;
        fail_over(&house).await;

        assert_eq!(tell_losses(&house.app).await.expect("the store answers"), 2);

        let told = self::told(&house).await;
        let (event, body) = &told[0];
        assert_eq!(event.subject, format!("table/{}", house.table_id("ns", "t").await));
        assert_eq!(body["data"]["lost"]["type"], "weir.table.committed");
        assert_eq!(body["data"]["lost"]["data"]["metadata-location"], lost["metadata-location"]);
        assert_eq!(body["data"]["metadata-location"], kept["metadata-location"]);
        let (_, body) = &told[1];
        assert_eq!(body["data"]["lost"]["type"], "weir.table.created");
        assert_eq!(
            (&body["data"]["lost"]["data"]["name"], &body["data"]["metadata-location"]),
            (&json!("u"), &Value::Null)
        );
        assert_eq!(tell_losses(&house.app).await.expect("the store answers"), 0, "nothing is told twice");
    });
}

/// The same version is given again, to other metadata: neither what is remembered nor a client's tag may confuse the two.
#[test]
fn r9_what_is_remembered_of_a_lost_commit_is_not_shown_as_the_next_one() {
    run_on(Engine::Postgres, async |engine| {
        let house = House::open(engine).await;
        house.create_namespace("ns").await;
        house.create_table("ns", "t").await;
        remember(&house).await;
        set(&house, "lost").await;
        let seen = load(&house).await;
        fail_over(&house).await;
        let next = set(&house, "next").await;

        let tag = seen.header("etag").expect("a tag").to_owned();
        let asked = house.catalog.get("/namespaces/ns/tables/t").header("if-none-match", &tag);
        let found = asked.send().await.expect(200).json();

        assert_eq!(next["metadata"]["properties"]["k"], "next");
        assert_eq!(found["metadata"]["properties"]["k"], "next");
        assert_eq!(found["metadata-location"], next["metadata-location"]);
    });
}

#[test]
fn r9_the_files_of_a_lost_commit_are_no_orphans() {
    run_on(Engine::Postgres, async |engine| {
        let house = House::open_with(engine, &[("WEIR__TASKS__ORPHAN_GRACE_S", "7200")]).await;
        house.create_namespace("ns").await;
        for name in ["t", "untouched"] {
            house.create_table("ns", name).await;
        }
        house.work().await;
        remember(&house).await;
        let lost = path_of(&set(&house, "lost").await["metadata-location"]);
        fail_over(&house).await;
        tell_losses(&house.app).await.expect("the store answers");
        let untouched = house.catalog.get("/namespaces/ns/tables/untouched").send().await.expect(200).json();
        let orphan = path_of(&untouched["metadata-location"]).with_file_name(lost.file_name().expect("a name"));
        fs::copy(&lost, &orphan).expect("a file");
        for file in [&lost, &orphan] {
            written_a_moment_later(file);
        }

        house.pass_seconds(24 * 3_600 + 60);
        house.work().await;

        assert!(!orphan.exists(), "the look was made");
        assert!(lost.exists(), "it may be all that is left of somebody's work");
    });
}

/// Files count only where they are younger than their table.
fn written_a_moment_later(file: &Path) {
    let later = SystemTime::now() + Duration::from_secs(60);
    File::options().write(true).open(file).and_then(|file| file.set_modified(later)).expect("a file with a time");
}

async fn r9_nothing_is_told_of_changes_that_are_there(engine: Engine) {
    let house = House::open(engine).await;
    let mut watch = Watch::default();
    assert_eq!(watch.look(&house.app).await.expect("the store answers"), 0);
    house.create_namespace("ns").await;
    for name in ["t", "gone"] {
        house.create_table("ns", name).await;
    }
    set(&house, "there").await;
    house.drop_table("ns", "gone", "?purgeRequested=true").send().await.expect(204);
    house.work().await;

    assert_eq!(tell_losses(&house.app).await.expect("the store answers"), 0);
    assert_eq!(watch.look(&house.app).await.expect("the store answers"), 0);
    // What is old is forgotten: the outbox may have forgotten it, too.
    house.pass_seconds(2 * 3_600);
    let mut writer = house.app.store.begin(&weir::permit::Permit::operator("test")).await.expect("a writer");
    writer.delete_events_before(house.app.clock.now_ms(), 1_000).await.expect("the store answers");
    writer.commit().await.expect("committed");
    assert_eq!(tell_losses(&house.app).await.expect("the store answers"), 0);

    assert!(told(&house).await.is_empty());
}
