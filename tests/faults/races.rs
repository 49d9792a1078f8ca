//! Races of many writers on one process, then on two over one database.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use weir_tests::tools::is_full_lane;
use weir_tests::{Answer, Engine, Http, TestServer, bodies, on_both_engines};

on_both_engines!(
    r1_every_acknowledged_commit_is_one_step_of_the_history,
    r2_of_many_creates_of_one_name_one_wins,
    r3_crossing_transactions_are_all_or_nothing,
    r4_a_name_never_stands_for_two_tables
);

const TABLE: &str = "/namespaces/ns/tables/t";

/// A hundred wait for eight connections: on a busy machine the last of them longer than the usual five seconds.
async fn server(engine: Engine) -> TestServer {
    TestServer::start_with(engine, &[("WEIR__STORE__ACQUIRE_TIMEOUT_MS", "25000")]).await
}

/// The catalogs to write through: the server's own, on Postgres that of a second process as well.
async fn doors(server: &TestServer) -> (Vec<Http>, Option<weir_tests::Weir>) {
    if server.installation.engine == Engine::Sqlite {
        return (vec![server.catalog.clone()], None);
    }
    let (replica, catalog) = server.replica().await;
    (vec![server.catalog.clone(), catalog], Some(replica))
}

/// `1` of `00001-….metadata.json`.
fn file_number(loaded: &Value) -> usize {
    let name = loaded["metadata-location"].as_str().and_then(|location| location.rsplit('/').next());
    name.and_then(|name| name.split('-').next()).and_then(|number| number.parse().ok()).expect("a numbered file")
}

/// Reads the current schema's generation, then asserts it, so that only one of those who read the same may win.
async fn increment(door: &Http, writer: usize) -> Answer {
    let loaded = door.get(TABLE).send().await.expect(200).json();
    let metadata = &loaded["metadata"];
    let field = metadata["last-column-id"].as_i64().expect("a number");
    let mut schema = metadata["schemas"].as_array().and_then(|schemas| schemas.last()).expect("a schema").clone();
    let column = json!({ "id": field + 1, "name": format!("c{}", field + 1), "required": false, "type": "int" });
    schema["fields"].as_array_mut().expect("fields").push(column);
    let requirements = json!([{ "type": "assert-last-assigned-field-id", "last-assigned-field-id": field }]);
    let updates = json!([
        { "action": "add-schema", "schema": schema },
        { "action": "set-current-schema", "schema-id": -1 },
        { "action": "set-properties", "updates": { "writer": writer.to_string() } },
    ]);
    door.post(TABLE, bodies::commit(requirements, updates)).send().await
}

async fn r1_every_acknowledged_commit_is_one_step_of_the_history(engine: Engine) {
    let server = server(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let (doors, _replica) = doors(&server).await;
    let (writers, rounds) = if is_full_lane() { (100, 10) } else { (100, 2) };

    let race = (0..writers).map(|writer| {
        let door = &doors[writer % doors.len()];
        async move {
            let mut won = 0;
            for _ in 0..rounds {
                let answer = increment(door, writer).await;
                assert!([200, 409].contains(&answer.status), "{}: {}", answer.status, answer.text());
                won += usize::from(answer.status == 200);
            }
            won
        }
    });
    let won: usize = join_all(race).await.into_iter().sum();

    let loaded = server.get(TABLE).send().await.expect(200).json();
    assert!(won > 0);
    assert_eq!(file_number(&loaded), won, "every 200 is one file, no other is");
    assert_eq!(loaded["metadata"]["last-column-id"].as_u64(), Some(2 + won as u64), "no update was lost");
}

async fn r2_of_many_creates_of_one_name_one_wins(engine: Engine) {
    let server = server(engine).await;
    server.create_namespace("ns").await;
    let (doors, _replica) = doors(&server).await;

    let race = (0..50).map(|number| {
        let door = &doors[number % doors.len()];
        async move {
            let create = match number % 3 {
                0 => door.post("/namespaces/ns/views", bodies::create_view("x")),
                _ => door.post("/namespaces/ns/tables", bodies::create_table("x")),
            };
            create.send().await
        }
    });
    let answers = join_all(race).await;

    let won = answers.iter().filter(|answer| answer.status == 200).count();
    let lost = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((won, lost), (1, 49));
}

async fn r3_crossing_transactions_are_all_or_nothing(engine: Engine) {
    let server = server(engine).await;
    server.create_namespace("ns").await;
    let tables: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
    for table in &tables {
        server.create_table("ns", table).await;
    }
    let (doors, _replica) = doors(&server).await;
    let change = |table: &String, value: &str| {
        json!({
            "identifier": bodies::identifier("ns", table),
            "requirements": [],
            "updates": bodies::set_property("generation", value),
        })
    };

    let race = (0..24).map(|writer: usize| {
        let door = &doors[writer % doors.len()];
        let mut order: Vec<&String> = tables.iter().collect();
        order.rotate_left(writer % 8);
        if writer % 2 == 1 {
            order.reverse();
        }
        let changes: Vec<Value> = order.iter().map(|table| change(table, &writer.to_string())).collect();
        async move { door.post("/transactions/commit", json!({ "table-changes": changes })).send().await }
    });
    let answers = join_all(race).await;

    for answer in &answers {
        assert!([204, 409].contains(&answer.status), "R11: {}: {}", answer.status, answer.text());
    }
    assert!(answers.iter().any(|answer| answer.status == 204));
    let mut generations = BTreeSet::new();
    for table in &tables {
        let loaded = server.get(&format!("/namespaces/ns/tables/{table}")).send().await.expect(200).json();
        generations.insert(loaded["metadata"]["properties"]["generation"].to_string());
    }
    assert_eq!(generations.len(), 1, "all tables show the same transaction: {generations:?}");
}

async fn r4_a_name_never_stands_for_two_tables(engine: Engine) {
    let server = server(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "a").await;
    let (doors, _replica) = doors(&server).await;
    let rename = |from: &str, to: &str| json!({ "source": bodies::identifier("ns", from), "destination": bodies::identifier("ns", to) });

    let race = (0..60).map(|number: usize| {
        let door = &doors[number % doors.len()];
        let location = &created["metadata-location"];
        async move {
            let commit = bodies::commit(json!([]), bodies::set_property("n", &number.to_string()));
            let ask = match number % 6 {
                0 => door.post("/tables/rename", rename("a", "b")),
                1 => door.post("/tables/rename", rename("b", "a")),
                2 => door.post("/namespaces/ns/tables/a", commit),
                3 => door.post("/namespaces/ns/tables/b", commit),
                4 => door.delete(if number % 12 == 4 { "/namespaces/ns/tables/a" } else { "/namespaces/ns/tables/b" }),
                _ => door.post("/namespaces/ns/register", json!({ "name": "a", "metadata-location": location })),
            };
            ask.send().await
        }
    });
    for answer in join_all(race).await {
        assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
    }

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
