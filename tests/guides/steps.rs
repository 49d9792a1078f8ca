//! The guides, step by step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::tools::{python, succeed};
use weir_tests::{Engine, Http, Installation, TestServer, bodies, on_both_engines, run_on};

use crate::clients::examples;

on_both_engines!(
    a_backup_of_a_serving_catalog_brings_it_back_elsewhere,
    commits_that_a_failover_lost_are_made_again_unless_somebody_went_on
);

/// `backup.md`: the archive of a catalog that serves becomes the same catalog on another box, with the same digest.
async fn a_backup_of_a_serving_catalog_brings_it_back_elsewhere(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("sales").await;
    let table = server.create_table("sales", "orders").await;
    let archive = server.installation.home().join("backup.weir.gz");
    let mut export = server.installation.command(0);
    export.arg("export").arg(&archive);
    succeed(export);
    server.create_namespace("after-the-backup").await;
    let mut again = server.installation.command(0);
    again.arg("export").arg(&archive);
    assert!(!again.output().expect("it runs").status.success(), "an archive that is there is kept");

    let elsewhere = Installation::create(Engine::Sqlite, &[("WEIR__BOOTSTRAP__ENABLED", "false")]).await;
    let mut import = elsewhere.command(0);
    import.arg("import").arg(&archive);
    succeed(import);
    let weir = elsewhere.start().await;

    let restored = Http::new(&weir.url()).under(&format!("/catalog/v1/{}", server.prefix));
    let found = restored.get("/namespaces/sales/tables/orders").send().await.expect(200).json();
    assert_eq!(found["metadata"]["table-uuid"], table["metadata"]["table-uuid"]);
    restored.head("/namespaces/after-the-backup").send().await.expect(404);
}

/// `move-from-lakekeeper.md`: every table is in the other catalog, at the very same metadata; a second run changes nothing.
#[test]
fn a_catalog_is_moved_by_register() {
    run_on(Engine::Sqlite, |engine| async move {
        let Some(first) = python("venv") else { return };
        let lake = tempfile::tempdir().expect("a folder");
        let root = lake.path().display().to_string();
        let settings =
            [("WEIR__STORAGE__LOCAL_ROOTS", root.as_str()), ("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", root.as_str())];
        let source = TestServer::start_with(engine, &settings).await;
        let target = TestServer::start_with(engine, &settings).await;
        let body = json!({ "namespace": ["sales"], "properties": { "owner": "ada" } });
        source.post("/namespaces", body).send().await.expect(200);
        source.post("/namespaces", json!({ "namespace": ["sales", "eu"] })).send().await.expect(200);
        let orders = source.create_table("sales", "orders").await;
        source.create_table("sales%1Feu", "returns").await;

        let said = succeed(moving(first, &source, &target));
        assert!(said.contains("moved 2 tables"), "{said}");
        let again = succeed(moving(python("venv").expect("it was there"), &source, &target));
        assert!(again.contains("moved 0 tables"), "{again}");

        let found = target.get("/namespaces/sales/tables/orders").send().await.expect(200).json();
        assert_eq!(found["metadata-location"], orders["metadata-location"]);
        assert_eq!(found["metadata"]["table-uuid"], orders["metadata"]["table-uuid"]);
        target.head("/namespaces/sales%1Feu/tables/returns").send().await.expect(204);
        let namespace = target.get("/namespaces/sales").send().await.expect(200).json();
        assert_eq!(namespace["properties"]["owner"], "ada");
    });
}

fn moving(mut python: std::process::Command, source: &TestServer, target: &TestServer) -> std::process::Command {
    python.arg("-B").arg(examples().join("guides/move.py"));
    for (name, server) in [("SOURCE", source), ("TARGET", target)] {
        python.env(format!("{name}_URI"), format!("{}/catalog", server.weir.url()));
        python.env(format!("{name}_WAREHOUSE"), "default");
    }
    python
}

async fn append(server: &TestServer, snapshot: i64, parent: Option<i64>) -> Value {
    let loaded = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    let location = loaded["metadata"]["location"].as_str().expect("a location");
    let number = loaded["metadata"]["last-sequence-number"].as_i64().expect("a number") + 1;
    let body = bodies::commit(json!([]), bodies::append(location, snapshot, number, parent));
    server.post("/namespaces/ns/tables/t", body).send().await.expect(200).json()
}

fn recommit(mut python: std::process::Command, server: &TestServer, lost: &Value) -> std::process::Command {
    let file = lost["metadata-location"].as_str().and_then(|text| text.strip_prefix("file://")).expect("a file");
    python.arg("-B").arg(examples().join("guides/recommit.py")).args([file, "ns", "t"]);
    python.env("WEIR_URI", server.weir.url()).env("WEIR_WAREHOUSE", "default");
    python
}

/// R9, `failover.md`: the snapshots of a metadata file that the catalog does not know any more.
async fn commits_that_a_failover_lost_are_made_again_unless_somebody_went_on(engine: Engine) {
    let Some(first) = python("venv") else { return };
    // Beyond what a float holds, as the ids of real snapshots are.
    const NEWEST: i64 = 9_007_199_254_740_993;
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let kept = append(&server, 1, None).await;
    append(&server, 2, Some(1)).await;
    let lost = append(&server, NEWEST, Some(2)).await;
    server.delete("/namespaces/ns/tables/t").send().await.expect(204);
    let body = json!({ "name": "t", "metadata-location": kept["metadata-location"] });
    server.post("/namespaces/ns/register", body).send().await.expect(200);

    let said = succeed(recommit(first, &server, &lost));

    assert!(said.contains("committed 2 snapshots again"), "{said}");
    let found = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    assert_eq!(found["metadata"]["current-snapshot-id"], NEWEST);
    assert_eq!(found["metadata"]["snapshots"], lost["metadata"]["snapshots"]);
    let again = succeed(recommit(python("venv").expect("it was there"), &server, &lost));
    assert!(again.contains("committed 0 snapshots again"), "{again}");
    append(&server, 7, Some(NEWEST)).await;
    let refused = recommit(python("venv").expect("it was there"), &server, &lost).output().expect("it runs");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gone on from another snapshot"), "{refused:?}");
}

/// R21, `upgrade.md`: two replicas are replaced one after the other while callers work; none of them notices.
#[test]
fn r21_two_replicas_are_replaced_one_by_one_and_no_caller_notices() {
    run_on(Engine::Postgres, |engine| async move {
        // Longer than a busy machine takes to look at a replica, and to end what was sent there until then.
        let server = TestServer::start_with(engine, &[("WEIR__SERVER__SHUTDOWN_DRAIN_S", "4")]).await;
        server.create_namespace("sales").await;
        let mut check = server.installation.command(0);
        check.args(["migrate", "--check"]);
        succeed(check);
        let mut old = vec![server.replica().await, server.replica().await];
        let balancer = Arc::new(Balancer::default());
        old.iter().for_each(|(_, http)| balancer.add(http));
        let callers: Vec<_> = (0..4).map(|caller| tokio::spawn(call(balancer.clone(), caller))).collect();

        let mut new = Vec::new();
        while let Some((mut weir, http)) = old.pop() {
            let (replica, its) = server.replica().await;
            balancer.add(&its);
            weir.signal("TERM");
            balancer.remove_once_not_ready(&weir.url(), &http).await;
            assert_eq!(weir.ended(Duration::from_secs(60)), Some(0), "{}", weir.log());
            new.push(replica);
        }
        balancer.is_over.store(true, Ordering::Relaxed);

        let mut created = 0;
        for caller in callers {
            created += caller.await.expect("every answer was 200");
        }
        assert!(created > 20, "the callers worked: {created} tables");
        let listed = server.get("/namespaces/sales/tables").send().await.expect(200).json();
        assert_eq!(listed["identifiers"].as_array().map(Vec::len), Some(created));
    });
}

/// Sends each request to one of the replicas that were ready when it looked.
#[derive(Default)]
struct Balancer {
    replicas: Mutex<Vec<Http>>,
    is_over: AtomicBool,
}

impl Balancer {
    fn add(&self, http: &Http) {
        self.replicas.lock().expect("nobody panicked").push(http.clone());
    }

    fn pick(&self, number: usize) -> Http {
        let replicas = self.replicas.lock().expect("nobody panicked");
        replicas[number % replicas.len()].clone()
    }

    /// Looks at a replica as balancers do, some time after it began to leave.
    async fn remove_once_not_ready(&self, url: &str, http: &Http) {
        let root = Http::new(url);
        while root.get("/health/ready").send().await.status == 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.replicas.lock().expect("nobody panicked").retain(|other| other.base() != http.base());
    }
}

/// Creates one table after the other; how many.
async fn call(balancer: Arc<Balancer>, caller: usize) -> usize {
    let mut created = 0;
    while !balancer.is_over.load(Ordering::Relaxed) {
        let body = weir_tests::bodies::create_table(&format!("t{caller}_{created}"));
        balancer.pick(created).post("/namespaces/sales/tables", body).send().await.expect(200);
        created += 1;
    }
    created
}
