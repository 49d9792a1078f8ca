//! Weir behind PgBouncer in transaction mode, where no session belongs to anybody.

use futures_util::future::join_all;
use serde_json::{Value, json};
use weir_tests::tools::is_full_lane;
use weir_tests::{Engine, Installation, Pooler, TestServer, bodies, run_on};

use crate::version;

const TABLE: &str = "/namespaces/ns/tables/t";

/// A catalog behind a pooler, with the namespace `ns` that holds the table `t`.
async fn behind_pooler() -> Option<(TestServer, Pooler)> {
    if !is_full_lane() {
        eprintln!("skipped: PgBouncer belongs to `make test-full`");
        return None;
    }
    let mut installation = Installation::create(Engine::Postgres, &[("WEIR__STORE__POOLER_MODE", "transaction")]).await;
    let url = installation.database_url().to_owned();
    let pooler = Pooler::start(&url)?;
    installation.reach_store_by(&pooler.url(&url));
    let server = TestServer::over(installation).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    Some((server, pooler))
}

fn assert_no_complaint(pooler: &Pooler) {
    let log = pooler.log();
    let complaints: Vec<_> = log.lines().filter(|line| line.contains("ERROR") || line.contains("WARNING")).collect();
    assert!(complaints.is_empty(), "the pooler complains:\n{}", complaints.join("\n"));
}

/// `n` of the properties of `t{table}`.
async fn n_of(server: &TestServer, table: usize) -> Value {
    let loaded = server.get(&format!("/namespaces/ns/tables/t{table}")).send().await.expect(200).json();
    loaded["metadata"]["properties"]["n"].clone()
}

#[test]
fn r1_thirty_two_writers_lose_no_commit_behind_a_pooler() {
    run_on(Engine::Postgres, async |_| {
        let Some((server, pooler)) = behind_pooler().await else { return };

        let race = (0..32).map(|writer: usize| {
            let catalog = &server.catalog;
            async move {
                let mut won = 0;
                for round in 0..4 {
                    let body = bodies::commit(json!([]), bodies::set_property("n", &format!("{writer}.{round}")));
                    let answer = catalog.post(TABLE, body).send().await;
                    assert!([200, 409].contains(&answer.status), "{}: {}", answer.status, answer.text());
                    won += usize::from(answer.status == 200);
                    catalog.get(TABLE).send().await.expect(200);
                }
                won
            }
        });
        let won: usize = join_all(race).await.into_iter().sum();

        let loaded = server.get(TABLE).send().await.expect(200).json();
        assert!(won > 0);
        assert_eq!(version(&loaded), won);
        assert_no_complaint(&pooler);
    });
}

#[test]
fn pages_of_a_listing_join_up_behind_a_pooler() {
    run_on(Engine::Postgres, async |_| {
        let Some((server, pooler)) = behind_pooler().await else { return };
        join_all((0..25).map(async |number| server.create_table("ns", &format!("u{number:02}")).await)).await;

        let mut names = Vec::new();
        let mut token = String::new();
        loop {
            let path = format!("/namespaces/ns/tables?pageSize=7&pageToken={token}");
            let page = server.get(&path).send().await.expect(200).json();
            let listed = page["identifiers"].as_array().expect("a list").clone();
            names.extend(listed.iter().map(|each| each["name"].as_str().expect("a name").to_owned()));
            let Some(next) = page["next-page-token"].as_str() else { break };
            token = next.to_owned();
        }

        names.sort();
        let mut expected: Vec<String> = (0..25).map(|number| format!("u{number:02}")).collect();
        expected.insert(0, "t".to_owned());
        assert_eq!(names, expected);
        assert_no_complaint(&pooler);
    });
}

#[test]
fn r3_crossing_transactions_are_all_or_nothing_behind_a_pooler() {
    run_on(Engine::Postgres, async |_| {
        let Some((server, pooler)) = behind_pooler().await else { return };
        join_all((0..6).map(async |table| server.create_table("ns", &format!("t{table}")).await)).await;

        let race = (0..24).map(async |writer: usize| {
            let changes: Vec<Value> = (0..6)
                .map(|place| {
                    let table = format!("t{}", (writer + place) % 6);
                    let updates = bodies::set_property("n", &writer.to_string());
                    json!({ "identifier": bodies::identifier("ns", &table), "requirements": [], "updates": updates })
                })
                .collect();
            server.post("/transactions/commit", json!({ "table-changes": changes })).send().await
        });
        let answers = join_all(race).await;

        for answer in &answers {
            assert!([204, 409].contains(&answer.status), "R11: {}: {}", answer.status, answer.text());
        }
        assert!(answers.iter().any(|answer| answer.status == 204));
        let first = n_of(&server, 0).await;
        for table in 1..6 {
            assert_eq!(n_of(&server, table).await, first, "t{table} shows another transaction than t0");
        }
        assert_no_complaint(&pooler);
    });
}

#[test]
fn names_come_and_go_behind_a_pooler() {
    run_on(Engine::Postgres, async |_| {
        let Some((server, pooler)) = behind_pooler().await else { return };
        let rename = json!({ "source": bodies::identifier("ns", "t"), "destination": bodies::identifier("ns", "u") });

        server.post("/tables/rename", rename).send().await.expect(204);
        server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);
        server.get(TABLE).send().await.expect(404);
        server.create_table("ns", "t").await;
        server.delete("/namespaces/ns/views/v").send().await.expect(204);
        server.delete("/namespaces/ns/tables/u?purgeRequested=true").send().await.expect(204);
        server.post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(409);
        server.delete(TABLE).send().await.expect(204);
        server.delete("/namespaces/ns").send().await.expect(204);

        server.root.get("/health/ready").send().await.expect(200);
        assert_no_complaint(&pooler);
    });
}

/// R16: what the pooler lets out is what lies there.
#[test]
fn r16_the_catalog_is_exported_through_a_pooler() {
    run_on(Engine::Postgres, async |_| {
        let Some((mut server, pooler)) = behind_pooler().await else { return };
        assert_eq!(server.weir.terminate(std::time::Duration::from_secs(60)), Some(0));
        let digest = |file: &str, url: &str| {
            let mut export = server.installation.command(0);
            let to = server.installation.home().join(file);
            export.arg("export").arg(to).env("WEIR__STORE__URL", url);
            let output = export.output().expect("weir runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
            said.rsplit_once("sha256 ").expect("the export tells its digest").1.trim().to_owned()
        };
        let direct = server.installation.database_url();

        let through = digest("pooled.weir.gz", &pooler.url(direct));

        assert_eq!(through, digest("direct.weir.gz", direct));
        assert_no_complaint(&pooler);
    });
}
