//! R9: the primary dies while callers commit: what was acknowledged is on the second server, or its loss is told.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, Http, Installation, TestServer, bodies, run_on};

use crate::pair::{Pair, Replication, Switch};

const WRITERS: usize = 8;

/// What one writer was told.
#[derive(Default)]
struct Told {
    acknowledged: usize,
    /// Commits of which nobody knew whether they were made.
    unknown: Vec<usize>,
    refused: usize,
}

/// Counts up a property of a table of its own until it is stopped.
async fn write(catalog: Http, writer: usize, is_over: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    let path = format!("/namespaces/ns/tables/t{writer}");
    for n in 1.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let body = bodies::commit(json!([]), bodies::set_property("n", &n.to_string()));
        let answer = catalog.post(&path, body).send().await;
        match answer.status {
            200 => told.acknowledged = n,
            500 => {
                answer.expect_error(500, "CommitStateUnknownException");
                told.unknown.push(n);
            }
            // The commit certainly was not made.
            429 | 503 => {
                told.refused += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("n = {n} was answered with {other}: {}", answer.text()),
        }
    }
    told
}

/// `None` (said aloud) outside of the full lane, or where Postgres is not where Debian puts it.
async fn start(replication: Replication) -> Option<(Pair, Switch, TestServer)> {
    if !is_full_lane() {
        eprintln!("skipped: two servers of Postgres belong to `make test-full`");
        return None;
    }
    let Some(pair) = Pair::start(replication) else {
        eprintln!("skipped: no pg_basebackup below /usr/lib/postgresql");
        return None;
    };
    let switch = Switch::start(pair.primary).await;
    let mut installation = Installation::create(Engine::Sqlite, &[]).await;
    installation.reach_store_by(&format!("postgres://weir@{}/postgres", switch.address));
    let server = TestServer::over(installation).await;
    server.create_namespace("ns").await;
    Some((pair, switch, server))
}

async fn fail_over(pair: &Pair, switch: &Switch, server: &TestServer) {
    pair.kill_primary();
    pair.promote_standby();
    switch.to(pair.standby);
    let failed_over = Instant::now();
    while server.root.get("/health/ready").send().await.status != 200 {
        assert!(failed_over.elapsed() < Duration::from_secs(60), "{}", server.weir.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("ready again {:?} after the standby was promoted", failed_over.elapsed());
}

/// R9: with a synchronous standby a failover loses no commit that somebody was told of, and invents none.
#[test]
fn r9_every_acknowledged_commit_is_there_after_a_failover() {
    run_on(Engine::Postgres, async |_| {
        let Some((pair, switch, server)) = start(Replication::Synchronous).await else { return };
        for writer in 0..WRITERS {
            server.create_table("ns", &format!("t{writer}")).await;
        }

        let is_over = Arc::new(AtomicBool::new(false));
        let writers = (0..WRITERS).map(|writer| tokio::spawn(write(server.catalog.clone(), writer, is_over.clone())));
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_secs(2)).await;
        fail_over(&pair, &switch, &server).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        is_over.store(true, Ordering::Relaxed);

        let told = join_all(writers).await;
        for (writer, told) in told.into_iter().enumerate() {
            let told = told.expect("the writer lives");
            let loaded = server.get(&format!("/namespaces/ns/tables/t{writer}")).send().await.expect(200).json();
            let n: usize = loaded["metadata"]["properties"]["n"].as_str().expect("a number").parse().expect("a number");
            println!("t{writer}: {n}; {} refused, {} unknown", told.refused, told.unknown.len());
            assert!(told.acknowledged > 10, "t{writer}: it went on: {}", told.acknowledged);
            let may_be = n == told.acknowledged || (n > told.acknowledged && told.unknown.contains(&n));
            assert!(may_be, "t{writer} is at {n}, {} was acknowledged", told.acknowledged);
            assert_metadata_is_whole(&server, &loaded);
        }
    });
}

/// The file that the pointer names is there, so that engines can read what the catalog tells.
fn assert_metadata_is_whole(server: &TestServer, loaded: &Value) {
    let location = loaded["metadata-location"].as_str().expect("a location");
    let path = location.strip_prefix("file://").expect("a local file");
    assert!(Path::new(path).starts_with(server.installation.lake()), "{path}");
    assert!(fs::metadata(path).is_ok_and(|facts| facts.len() > 0), "{path} is missing");
}

async fn append(server: &TestServer, snapshot: i64, parent: Option<i64>) -> Value {
    let loaded = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    let location = loaded["metadata"]["location"].as_str().expect("a location");
    let number = loaded["metadata"]["last-sequence-number"].as_i64().expect("a number") + 1;
    let body = bodies::commit(json!([]), bodies::append(location, snapshot, number, parent));
    server.post("/namespaces/ns/tables/t", body).send().await.expect(200).json()
}

/// R9: without one, what the second server never got is found out, told with both places, and can be committed again.
#[test]
fn r9_what_an_asynchronous_failover_lost_is_told_and_can_be_brought_back() {
    run_on(Engine::Postgres, async |_| {
        let Some((pair, switch, server)) = start(Replication::Asynchronous).await else { return };
        server.create_table("ns", "t").await;
        let kept = append(&server, 1, None).await;
        pair.part();
        append(&server, 2, Some(1)).await;
        let lost = append(&server, 9_007_199_254_740_993, Some(2)).await;
        server.create_table("ns", "u").await;

        fail_over(&pair, &switch, &server).await;

        let found = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();
        assert_eq!(found["metadata-location"], kept["metadata-location"], "the commits are gone");
        let told = "SELECT count(*) FROM outbox WHERE kind = 'weir.change.lost'";
        let deadline = Instant::now() + Duration::from_secs(60);
        while pair.ask(pair.standby, told).trim() != "3" {
            assert!(Instant::now() < deadline, "{}", server.weir.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = server.weir.log();
        for text in [
            "the database has failed over",
            "a failover of the database lost a change that was acknowledged",
            kept["metadata-location"].as_str().expect("a location"),
            lost["metadata-location"].as_str().expect("a location"),
            "weir.table.created",
        ] {
            assert!(log.contains(text), "{text}: {log}");
        }
        assert_metadata_is_whole(&server, &lost);

        let file = lost["metadata-location"].as_str().and_then(|text| text.strip_prefix("file://")).expect("a file");
        let Some(mut recommit) = python("venv") else { return };
        recommit.arg("-B").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/guides/recommit.py"));
        recommit.args([file, "ns", "t"]).env("WEIR_URI", server.weir.url()).env("WEIR_WAREHOUSE", "default");
        let said = succeed(recommit);
        assert!(said.contains("committed 2 snapshots again"), "{said}");
        let found = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();
        let snapshots = |table: &Value| table["metadata"]["snapshots"].clone();
        assert_eq!(snapshots(&found), snapshots(&lost));
        assert_eq!(found["metadata"]["current-snapshot-id"], 9_007_199_254_740_993_i64);
    });
}
