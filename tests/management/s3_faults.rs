//! Storages that fail: no commit is acknowledged without its file, nothing is ever written over.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::s3::{Fault, On, Quirks};
use weir_tests::{Engine, S3Server, on_both_engines};

use crate::lake::{Lake, key};

on_both_engines!(
    r24_passing_faults_of_a_storage_are_survived,
    r24_lasting_faults_of_a_storage_are_told_in_time_without_a_commit,
    r24_an_answer_that_got_lost_is_found_out,
    r24_a_put_that_stored_something_else_is_no_commit,
    r24_a_body_that_breaks_off_is_fetched_again,
    r24_a_body_that_is_short_is_not_believed,
    r24_a_key_that_was_taken_away_says_so,
    r25_a_file_that_is_there_is_never_written_over,
    r25_a_storage_without_conditional_writes_is_asked_before,
    r26_a_damaged_metadata_object_closes_its_table_alone,
);

/// Impatient, so that what lasts is over soon.
const IMPATIENT: [(&str, &str); 3] = [
    ("WEIR__STORAGE__S3__ATTEMPT_TIMEOUT_MS", "300"),
    ("WEIR__STORAGE__S3__OPERATION_TIMEOUT_MS", "2000"),
    ("WEIR__STORAGE__S3__ATTEMPTS_MAX", "3"),
];

async fn r24_passing_faults_of_a_storage_are_survived(engine: Engine) {
    let lake = Lake::open_with(engine, &IMPATIENT).await;
    lake.create_table("t").await;

    for (number, fault) in [Fault::InternalError, Fault::SlowDown, Fault::Hang].into_iter().enumerate() {
        lake.s3.fail_next(On::Put, fault);
        lake.commit("t", &number.to_string()).send().await.expect(200);
        assert_eq!(lake.s3.heal(), 0, "{fault:?} has happened");
        let loaded = lake.load("t").await.expect(200).json();
        assert_eq!(lake.object(&loaded["metadata-location"]), Some(loaded["metadata"].clone()), "{fault:?}");
    }
}

async fn r24_lasting_faults_of_a_storage_are_told_in_time_without_a_commit(engine: Engine) {
    let lake = Lake::open_with(engine, &IMPATIENT).await;
    let before = lake.create_table("t").await;
    let files = lake.s3.keys(S3Server::BUCKET);

    for fault in [Fault::InternalError, Fault::SlowDown, Fault::Hang] {
        lake.s3.fail_next_times(10, On::Put, fault);
        let since = Instant::now();
        let answer = lake.commit("t", "1").send().await.expect(429);
        assert!(since.elapsed() < Duration::from_secs(10), "{fault:?} took {:?}", since.elapsed());
        assert!(answer.header("retry-after").is_some());
        assert!(lake.s3.heal() > 0, "it is not tried for ever");
    }

    assert_eq!(lake.load("t").await.expect(200).json()["metadata-location"], before["metadata-location"]);
    assert_eq!(lake.s3.keys(S3Server::BUCKET), files);
    lake.commit("t", "1").send().await.expect(200);
}

/// The repetition finds the object that the first request wrote, and knows it for its own.
async fn r24_an_answer_that_got_lost_is_found_out(engine: Engine) {
    let lake = Lake::open(engine).await;
    lake.create_table("t").await;

    lake.s3.fail_next(On::Put, Fault::AnswerLost);
    lake.commit("t", "1").send().await.expect(200);

    let loaded = lake.load("t").await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["a"], "1");
    assert_eq!(lake.object(&loaded["metadata-location"]), Some(loaded["metadata"].clone()));
    assert!(lake.s3.recorded().iter().any(|request| request.status == 412), "the repetition was refused");
}

async fn r24_a_put_that_stored_something_else_is_no_commit(engine: Engine) {
    let lake = Lake::open(engine).await;
    let before = lake.create_table("t").await;

    for fault in [Fault::OtherBytes, Fault::NothingStored] {
        lake.s3.fail_next(On::Put, fault);
        lake.commit("t", "1").send().await.expect(429);
        assert_eq!(lake.s3.heal(), 0, "{fault:?} has happened");
    }

    assert_eq!(lake.load("t").await.expect(200).json()["metadata-location"], before["metadata-location"]);
}

async fn r24_a_body_that_breaks_off_is_fetched_again(engine: Engine) {
    let lake = Lake::open(engine).await;
    let created = unregistered(&lake, "t").await;

    lake.s3.fail_next_times(2, On::Get, Fault::BrokenBody);
    let registered = register(&lake, "again", &created).await.expect(200).json();

    assert_eq!(registered["metadata"], created["metadata"]);
    assert_eq!(lake.s3.heal(), 0);
}

/// Half of a file under a 200: its checksum tells.
async fn r24_a_body_that_is_short_is_not_believed(engine: Engine) {
    let lake = Lake::open(engine).await;
    let created = unregistered(&lake, "t").await;

    lake.s3.fail_next_times(10, On::Get, Fault::ShortBody);
    let answer = register(&lake, "again", &created).await;

    assert!(matches!(answer.status, 429 | 503), "{}: {}", answer.status, answer.text());
    lake.s3.heal();
    register(&lake, "again", &created).await.expect(200);
}

async fn r24_a_key_that_was_taken_away_says_so(engine: Engine) {
    let lake = Lake::open(engine).await;
    lake.create_table("t").await;
    lake.s3.remove_key(S3Server::ACCESS_KEY_ID);

    let answer = lake.commit("t", "1").send().await.expect(429);

    assert!(answer.text().contains("InvalidAccessKeyId"), "{}", answer.text());
    lake.s3.add_key(S3Server::ACCESS_KEY_ID, S3Server::SECRET_ACCESS_KEY);
    lake.commit("t", "1").send().await.expect(200);
}

async fn unregistered(lake: &Lake, name: &str) -> Value {
    let created = lake.create_table(name).await;
    lake.catalog.post(&format!("/namespaces/ns/tables/{name}/unregister"), json!({})).send().await.expect(200);
    created
}

async fn register(lake: &Lake, name: &str, created: &Value) -> weir_tests::Answer {
    let body = json!({"name": name, "metadata-location": created["metadata-location"]});
    lake.catalog.post("/namespaces/ns/register", body).send().await
}

async fn r25_a_file_that_is_there_is_never_written_over(engine: Engine) {
    for quirks in [Quirks::default(), Quirks { honours_conditions: false, ..Quirks::default() }] {
        let lake = Lake::open(engine).await;
        lake.s3.set_quirks(quirks);
        lake.create_table("first").await;
        let row = lake.house.app.store.warehouse(lake.id.parse().expect("an id")).await.expect("it is read");
        let row = row.expect("it is there");
        let files = lake.house.app.own_files(&row).await.expect("it opens");
        let place = row.root.join("t/metadata/v1.metadata.json").expect("a place");
        lake.s3.put("lake", key(place.as_str()), &b"somebody's"[..]);

        let refused = files.write_metadata(&place, bytes::Bytes::from_static(b"{}")).await;

        assert!(matches!(refused, Err(weir::files::FileError::Exists(_))), "{quirks:?}: {refused:?}");
        assert_eq!(lake.s3.object("lake", key(place.as_str())).expect("it is there"), &b"somebody's"[..]);
    }
}

async fn r25_a_storage_without_conditional_writes_is_asked_before(engine: Engine) {
    let lake = Lake::open(engine).await;
    lake.s3.set_quirks(Quirks { honours_conditions: false, keeps_checksums: false, ..Quirks::default() });
    lake.create_table("t").await;

    lake.commit("t", "1").send().await.expect(200);

    let loaded = lake.load("t").await.expect(200).json();
    assert_eq!(lake.object(&loaded["metadata-location"]), Some(loaded["metadata"].clone()));
}

async fn r26_a_damaged_metadata_object_closes_its_table_alone(engine: Engine) {
    let lake = Lake::open(engine).await;
    let damaged = unregistered(&lake, "damaged").await;
    let other = unregistered(&lake, "other").await;
    lake.create_table("live").await;
    let place = key(damaged["metadata-location"].as_str().expect("a location")).to_owned();
    let whole = lake.s3.object("lake", &place).expect("it is there");

    for bytes in [whole.slice(..whole.len() / 2), bytes::Bytes::new(), bytes::Bytes::from_static(b"\0\0\0\0")] {
        lake.s3.put("lake", &place, bytes);
        register(&lake, "damaged", &damaged).await.expect_error(400, "BadRequestException");
    }
    let of_other = lake.s3.object("lake", key(other["metadata-location"].as_str().expect("a location")));
    lake.s3.put("lake", &place, of_other.expect("it is there"));
    register(&lake, "other", &other).await.expect(200);
    // The file of another table, whose place is taken.
    register(&lake, "damaged", &damaged).await.expect(409);

    lake.commit("live", "1").send().await.expect(200);
    lake.s3.put("lake", &place, whole);
    register(&lake, "damaged", &damaged).await.expect(200);
}
