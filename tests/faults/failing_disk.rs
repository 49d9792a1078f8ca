//! Disks that are full, disks that cannot flush (R7): nothing is acknowledged that is not kept.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use weir_tests::disk::{Call, Disk, Doom, EIO, ENOSPC, Rule};
use weir_tests::{Answer, Engine, Installation, TestServer, bodies, run_on};

const TABLE: &str = "/namespaces/ns/tables/t";

fn on_a_disk(story: impl AsyncFnOnce(TestServer, Disk)) {
    if !Disk::is_available() {
        return;
    }
    run_on(Engine::Sqlite, |_| async {
        let mut installation = Installation::create(Engine::Sqlite, &[("WEIR__TASKS__ENABLED", "false")]).await;
        let disk = Disk::under(&mut installation);
        let server = TestServer::over(installation).await;
        server.create_namespace("ns").await;
        server.create_table("ns", "t").await;
        story(server, disk).await;
    });
}

async fn commit(server: &TestServer, value: &str) -> Answer {
    server.post(TABLE, bodies::commit(json!([]), bodies::set_property("n", value))).send().await
}

async fn create_namespace(server: &TestServer, name: &str) -> Answer {
    server.post("/namespaces", json!({ "namespace": [name] })).send().await
}

async fn readiness(server: &TestServer) -> u16 {
    server.root.get("/health/ready").send().await.status
}

async fn load(server: &TestServer) -> Value {
    server.get(TABLE).send().await.expect(200).json()
}

/// A refusal that tells when to come back.
#[track_caller]
fn assert_refused(answer: Answer, status: u16) {
    let answer = answer.expect(status);
    assert!(answer.header("retry-after").is_some(), "{}", answer.text());
}

async fn recovers(server: &TestServer) {
    for _ in 0..400 {
        if readiness(server).await == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the server does not recover although its disk has");
}

#[test]
fn r7_a_full_disk_stops_acknowledging_until_space_returns() {
    on_a_disk(async |server, disk| {
        disk.obey(&[Rule::new(Call::Write, "", Doom::Fail(ENOSPC))]);

        assert_refused(commit(&server, "lost").await, 429);
        assert_refused(server.post("/namespaces/ns/tables", bodies::create_table("u")).send().await, 503);
        assert_refused(create_namespace(&server, "other").await, 503);
        assert_eq!(readiness(&server).await, 503);
        server.root.get("/health/live").send().await.expect(200);
        assert_eq!(load(&server).await["metadata"]["properties"].get("n"), None);

        disk.obey(&[]);
        recovers(&server).await;
        server.get("/namespaces/other").send().await.expect(404);
        server.get("/namespaces/ns/tables/u").send().await.expect(404);
        commit(&server, "kept").await.expect(200);
        create_namespace(&server, "other").await.expect(200);
        assert_eq!(load(&server).await["metadata"]["properties"]["n"], "kept");
    });
}

#[test]
fn r7_a_ledger_without_space_refuses_commits_whose_files_were_written() {
    on_a_disk(async |server, disk| {
        disk.obey(&[Rule::new(Call::Write, "-wal", Doom::Fail(ENOSPC))]);

        let answers = join_all((0..20).map(|number| commit(&server, if number < 10 { "a" } else { "b" }))).await;

        for answer in answers {
            assert_refused(answer, 429);
        }
        assert_eq!(readiness(&server).await, 503);
        disk.obey(&[]);
        recovers(&server).await;
        let loaded = load(&server).await;
        assert_eq!(loaded["metadata"]["properties"].get("n"), None);
        assert_eq!(metadata_files(&loaded), 1, "files of commits that certainly did not happen go again");
    });
}

#[test]
fn r7_a_lake_without_space_refuses_commits_and_leaves_no_halves() {
    on_a_disk(async |server, disk| {
        disk.obey(&[Rule::new(Call::Write, ".metadata.json", Doom::Fail(ENOSPC))]);

        assert_refused(commit(&server, "lost").await, 429);
        assert_refused(server.post("/namespaces/ns/tables", bodies::create_table("u")).send().await, 503);
        create_namespace(&server, "other").await.expect(200);
        assert_eq!(readiness(&server).await, 200, "other warehouses may lie elsewhere");

        disk.obey(&[]);
        let loaded = load(&server).await;
        assert_eq!(metadata_files(&loaded), 1, "a file that was begun goes again");
        commit(&server, "kept").await.expect(200);
    });
}

#[test]
fn r7_after_a_failed_flush_nothing_is_acknowledged() {
    for error in [EIO, ENOSPC] {
        on_a_disk(async |mut server, disk| {
            disk.obey(&[Rule::new(Call::Sync, "-wal", Doom::Fail(error))]);

            let first = commit(&server, "unknown").await;
            let others = join_all((0..20).map(|_| commit(&server, "lost"))).await;

            first.expect_error(500, "CommitStateUnknownException");
            for answer in others {
                assert_refused(answer, 429);
            }
            assert_eq!(readiness(&server).await, 503);
            let loaded = load(&server).await;
            assert_eq!(loaded["metadata"]["properties"].get("n"), None);
            assert_eq!(metadata_files(&loaded), 2, "the file of the unknown commit stays, those of the others go");
            server.weir.kill();
            disk.obey(&[]);
            server.restart().await;
            let loaded = load(&server).await;
            let found = &loaded["metadata"]["properties"]["n"];
            assert!(found.is_null() || found == "unknown", "{found}");
            commit(&server, "kept").await.expect(200);
        });
    }
}

#[test]
fn r7_a_disk_that_flushes_again_forgets_what_was_refused() {
    on_a_disk(async |mut server, disk| {
        disk.obey(&[Rule::new(Call::Sync, "-wal", Doom::Fail(EIO))]);
        commit(&server, "unknown").await.expect(500);
        assert_eq!(readiness(&server).await, 503);

        disk.obey(&[]);
        recovers(&server).await;
        let after = load(&server).await["metadata"]["properties"].get("n").cloned();
        create_namespace(&server, "other").await.expect(200);
        server.weir.kill();
        server.restart().await;

        assert_eq!(load(&server).await["metadata"]["properties"].get("n").cloned(), after, "what was seen stays so");
        server.get("/namespaces/other").send().await.expect(200);
    });
}

fn metadata_files(loaded: &Value) -> usize {
    let location = loaded["metadata-location"].as_str().expect("a location").trim_start_matches("file://");
    std::fs::read_dir(Path::new(location).parent().expect("a folder")).expect("the folder is there").count()
}
