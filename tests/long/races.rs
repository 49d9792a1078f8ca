//! The races of many writers, for longer, with more of them, beside readers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use weir_tests::{Answer, Engine, Http, TestServer, bodies, on_both_engines};

use crate::{doors, soak_time, version};

on_both_engines!(
    r1_no_commit_is_lost_among_many_writers,
    r3_transactions_that_cross_are_all_or_nothing_for_readers_too,
    r4_a_name_stands_for_one_table_round_after_round
);

const TABLE: &str = "/namespaces/ns/tables/t";

/// Each race takes a sixth of the soak.
fn race_time() -> Option<Duration> {
    soak_time().map(|time| time / 6)
}

async fn server_with_namespace(engine: Engine) -> TestServer {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server
}

/// Whether the change was made; a server that has too much to do says that it was not by 429.
fn assert_won_or_lost(answer: &Answer, won: u16) -> bool {
    assert!([won, 409, 429].contains(&answer.status), "R11: {}: {}", answer.status, answer.text());
    answer.status == won
}

/// Loads the table; a server that has too much to do is asked again.
async fn load(door: &Http, path: &str) -> Value {
    loop {
        let answer = door.get(path).send().await;
        if answer.status != 503 {
            return answer.expect(200).json();
        }
    }
}

/// Adds a snapshot to `main` where it was read, so that only one of those who read the same may win.
async fn append(door: &Http) -> Answer {
    let loaded = load(door, TABLE).await;
    let metadata = &loaded["metadata"];
    let parent = metadata["current-snapshot-id"].as_i64().filter(|id| *id > 0);
    let sequence_number = metadata["last-sequence-number"].as_i64().expect("a number") + 1;
    let location = metadata["location"].as_str().expect("a location");
    // Only a few snapshots are kept, so that the last commit of a race is as cheap as the first.
    let expired: Vec<i64> = metadata["snapshots"].as_array().map_or_else(Vec::new, |snapshots| {
        snapshots
            .iter()
            .filter_map(|each| each["snapshot-id"].as_i64())
            .filter(|id| *id <= sequence_number - 10)
            .collect()
    });
    let mut updates = bodies::append(location, sequence_number, sequence_number, parent);
    if !expired.is_empty() {
        let removal = json!({ "action": "remove-snapshots", "snapshot-ids": expired });
        updates.as_array_mut().expect("updates").push(removal);
    }
    let requirements = json!([{ "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": parent }]);
    door.post(TABLE, bodies::commit(requirements, updates)).send().await
}

async fn r1_no_commit_is_lost_among_many_writers(engine: Engine) {
    let Some(time) = race_time() else { return };
    let server = server_with_namespace(engine).await;
    server.create_table("ns", "t").await;
    let (doors, _replica) = doors(&server).await;
    let end = Instant::now() + time;

    let race = (0..150).map(|writer: usize| {
        let door = &doors[writer % doors.len()];
        async move {
            let mut won = 0;
            while Instant::now() < end {
                won += usize::from(assert_won_or_lost(&append(door).await, 200));
            }
            won
        }
    });
    let won: usize = join_all(race).await.into_iter().sum();

    let loaded = server.get(TABLE).send().await.expect(200).json();
    assert!(won > 0);
    assert_eq!(version(&loaded), won, "every 200 is one file, no other is");
    assert_eq!(loaded["metadata"]["last-sequence-number"].as_u64(), Some(won as u64), "no append was lost");
    println!("R1 on {engine:?}: 150 writers, {won} commits, none lost");
}

const CROSSED: usize = 20;

fn crossed(table: usize) -> String {
    format!("/namespaces/ns/tables/t{table}")
}

/// One transaction over all tables, in an order of its writer's own.
async fn change_all(door: &Http, writer: usize, round: usize) -> bool {
    let mut order: Vec<usize> = (0..CROSSED).collect();
    order.rotate_left((writer + round) % CROSSED);
    if writer % 2 == 1 {
        order.reverse();
    }
    let changes: Vec<Value> = order
        .into_iter()
        .map(|table| {
            json!({
                "identifier": bodies::identifier("ns", &format!("t{table}")),
                "requirements": [],
                "updates": bodies::set_property("by", &format!("{writer}.{round}")),
            })
        })
        .collect();
    let answer = door.post("/transactions/commit", json!({ "table-changes": changes })).send().await;
    assert_won_or_lost(&answer, 204)
}

/// Reads one table after the other: whoever saw a transaction in one table sees it in all that are read later.
async fn never_sees_half(door: &Http, end: Instant) -> usize {
    let mut rounds = 0;
    while Instant::now() < end {
        let mut seen = 0;
        for table in 0..CROSSED {
            let loaded = load(door, &crossed((table + rounds) % CROSSED)).await;
            let now = version(&loaded);
            assert!(now >= seen, "after transaction {seen} of one table, another one shows {now}");
            seen = now;
        }
        rounds += 1;
    }
    rounds
}

async fn r3_transactions_that_cross_are_all_or_nothing_for_readers_too(engine: Engine) {
    let Some(time) = race_time() else { return };
    let server = server_with_namespace(engine).await;
    join_all((0..CROSSED).map(async |table| server.create_table("ns", &format!("t{table}")).await)).await;
    let (doors, _replica) = doors(&server).await;
    let end = Instant::now() + time;

    let writers = (0..32).map(|writer: usize| {
        let door = &doors[writer % doors.len()];
        async move {
            let mut won = 0;
            for round in 0.. {
                if Instant::now() >= end {
                    break;
                }
                won += usize::from(change_all(door, writer, round).await);
            }
            won
        }
    });
    let readers = doors.iter().map(|door| never_sees_half(door, end));
    let (won, read) = join(join_all(writers), join_all(readers)).await;

    let won: usize = won.into_iter().sum();
    assert!(won > 0);
    let mut last = BTreeSet::new();
    for table in 0..CROSSED {
        let loaded = server.get(&crossed(table)).send().await.expect(200).json();
        assert_eq!(version(&loaded), won, "t{table} has exactly the transactions that were acknowledged");
        last.insert(loaded["metadata"]["properties"]["by"].to_string());
    }
    assert_eq!(last.len(), 1, "all tables show the same transaction: {last:?}");
    println!("R3 on {engine:?}: {won} transactions over {CROSSED} tables, {read:?} rounds of readers");
}

/// One of those that pull at the names `a` and `b` at once.
async fn pull(door: &Http, turn: usize, origin: &Value) -> Answer {
    let rename =
        |from, to| json!({ "source": bodies::identifier("ns", from), "destination": bodies::identifier("ns", to) });
    let (one, other) = if turn.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
    let path = format!("/namespaces/ns/tables/{one}");
    let ask = match turn / 2 % 6 {
        0 | 1 => door.post("/tables/rename", rename(one, other)),
        2 => door.post(&path, bodies::commit(json!([]), bodies::set_property("n", &turn.to_string()))),
        3 => door.delete(&path),
        4 => door.post("/namespaces/ns/register", json!({ "name": one, "metadata-location": origin })),
        _ => door.post("/namespaces/ns/tables", bodies::create_table(one)),
    };
    ask.send().await
}

async fn r4_a_name_stands_for_one_table_round_after_round(engine: Engine) {
    let Some(time) = race_time() else { return };
    let server = server_with_namespace(engine).await;
    let origin = server.create_table("ns", "a").await["metadata-location"].clone();
    let (doors, _replica) = doors(&server).await;
    let end = Instant::now() + time;

    let mut rounds = 0;
    while Instant::now() < end {
        let race = (0..60).map(|turn| pull(&doors[turn % doors.len()], turn.wrapping_add(rounds * 7), &origin));
        for answer in join_all(race).await {
            assert!([200, 204, 404, 409, 429].contains(&answer.status), "{}: {}", answer.status, answer.text());
        }
        assert_every_name_has_its_own_table(&server).await;
        rounds += 1;
    }

    assert!(rounds > 0);
    println!("R4 on {engine:?}: {rounds} rounds of 60 that pull at two names");
}

async fn assert_every_name_has_its_own_table(server: &TestServer) {
    let listed = server.get("/namespaces/ns/tables").send().await.expect(200).json();
    let listed = listed["identifiers"].as_array().expect("a list").clone();
    let mut uuids = BTreeSet::new();
    for identifier in &listed {
        let name = identifier["name"].as_str().expect("a name");
        let loaded = server.get(&format!("/namespaces/ns/tables/{name}")).send().await.expect(200).json();
        uuids.insert(loaded["metadata"]["table-uuid"].to_string());
    }
    assert_eq!(uuids.len(), listed.len(), "two names share one table: {listed:?}");
}
