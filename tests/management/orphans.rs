//! R15: metadata files that a killed process left go in time, nothing else does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use uuid::Uuid;
use weir_tests::{Engine, bodies, on_both_engines};

use crate::house::{House, path_of};

on_both_engines!(
    r15_files_of_commits_that_never_came_go_in_time,
    r15_nothing_goes_where_another_writer_numbers_the_files,
    r15_nothing_goes_where_the_catalog_before_may_go_on_committing,
    r15_orphans_stay_where_nobody_asked,
);

const DAY_S: u64 = 24 * 3_600;

async fn house(engine: Engine) -> House {
    let house = House::open_with(engine, &[("WEIR__TASKS__ORPHAN_GRACE_S", "7200")]).await;
    house.create_namespace("ns").await;
    house.work().await;
    house
}

/// The folder of a table whose log holds its versions 2 and 3, while it is at version 4; with its metadata files.
async fn table_at_version_4(house: &House) -> (PathBuf, Vec<PathBuf>) {
    let mut body = bodies::create_table("t");
    body["properties"] = json!({"write.metadata.previous-versions-max": "2"});
    let created = house.catalog.post("/namespaces/ns/tables", body).send().await.expect(200).json();
    let mut files = vec![path_of(&created["metadata-location"])];
    for value in ["1", "2", "3", "4"] {
        let commit = bodies::commit(json!([]), bodies::set_property("k", value));
        let answer = house.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200).json();
        files.push(path_of(&answer["metadata-location"]));
    }
    (path_of(&created["metadata"]["location"]), files)
}

/// A file as a killed commit of this version leaves it.
fn leave(folder: &Path, version: &str, extension: &str) -> PathBuf {
    let file = folder.join(format!("{version}-{}{extension}", Uuid::new_v4()));
    fs::create_dir_all(folder).expect("a folder");
    fs::write(&file, "{}").expect("a file");
    file
}

fn change_time(file: &Path, at: SystemTime) {
    File::options().write(true).open(file).and_then(|file| file.set_modified(at)).expect("a file with a time");
}

async fn a_day_passes(house: &House) {
    house.pass_seconds(i64::try_from(DAY_S).expect("seconds") + 60);
    house.work().await;
}

async fn r15_files_of_commits_that_never_came_go_in_time(engine: Engine) {
    let house = house(engine).await;
    let (table, committed) = table_at_version_4(&house).await;
    let metadata = table.join("metadata");
    let plain = ".metadata.json";
    let orphans = [
        leave(&metadata, "00003", plain),
        leave(&metadata, "00004", ".gz.metadata.json"),
        leave(&metadata, "00005", plain),
    ];
    let (young, old) = (leave(&metadata, "00005", plain), leave(&metadata, "00004", plain));
    change_time(&young, SystemTime::now() + Duration::from_secs(DAY_S));
    change_time(&old, SystemTime::now() - Duration::from_secs(DAY_S));
    let mut kept = vec![
        young,
        old,
        // May have been committed, then fallen out of the log.
        leave(&metadata, "00001", plain),
        leave(&metadata, "00004", ".parquet"),
        leave(&table.join("data"), "00004", plain),
        leave(&metadata.join("further"), "00004", plain),
    ];
    for name in ["v4.metadata.json", "00004-copy.metadata.json", "notes.txt"] {
        fs::write(metadata.join(name), "{}").expect("a file");
        kept.push(metadata.join(name));
    }

    a_day_passes(&house).await;

    let there = |files: &[PathBuf]| files.iter().filter(|file| file.exists()).cloned().collect::<Vec<_>>();
    assert_eq!(there(&orphans), Vec::<PathBuf>::new());
    assert_eq!(there(&kept), kept);
    assert_eq!(there(&committed), committed);
    house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

async fn r15_nothing_goes_where_another_writer_numbers_the_files(engine: Engine) {
    let house = house(engine).await;
    let (table, files) = table_at_version_4(&house).await;
    house.drop_table("ns", "t", "").send().await.expect(204);
    let foreign = table.join("metadata/v5.metadata.json");
    fs::copy(&files[4], &foreign).expect("a file");
    let body = json!({"name": "t", "metadata-location": format!("file://{}", foreign.display())});
    let registered: Value = house.catalog.post("/namespaces/ns/register", body).send().await.expect(200).json();
    assert_eq!(path_of(&registered["metadata-location"]), foreign);
    let left = leave(&table.join("metadata"), "00004", ".metadata.json");

    a_day_passes(&house).await;

    assert!(left.exists() && foreign.exists() && files.iter().all(|file| file.exists()));
}

/// It was registered here, and the catalog that it came from, whose files are named alike, never stopped.
async fn r15_nothing_goes_where_the_catalog_before_may_go_on_committing(engine: Engine) {
    let house = house(engine).await;
    let (table, files) = table_at_version_4(&house).await;
    house.drop_table("ns", "t", "").send().await.expect(204);
    house.pass_seconds(600);
    let body = json!({"name": "t", "metadata-location": format!("file://{}", files[4].display())});
    house.catalog.post("/namespaces/ns/register", body).send().await.expect(200);
    let commit = bodies::commit(json!([]), bodies::set_property("k", "5"));
    house.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200);
    let elsewhere = leave(&table.join("metadata"), "00005", ".metadata.json");
    change_time(&elsewhere, SystemTime::now() + Duration::from_secs(1_200));

    a_day_passes(&house).await;

    assert!(elsewhere.exists() && files.iter().all(|file| file.exists()));
}

async fn r15_orphans_stay_where_nobody_asked(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let (table, _) = table_at_version_4(&house).await;
    let left = leave(&table.join("metadata"), "00004", ".metadata.json");

    a_day_passes(&house).await;

    assert!(left.exists());
}
