//! R22: every connection of the pool is taken.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use weir_tests::{Engine, TestServer};

/// Liveness stays up, or an orchestrator would restart a healthy process; readiness drops; both recover by themselves.
#[test]
fn r22_an_exhausted_pool_makes_it_alive_but_not_ready() {
    weir_tests::run_on(Engine::Postgres, async |engine| {
        let settings = [("WEIR__STORE__CONNECTIONS_MAX", "1"), ("WEIR__STORE__ACQUIRE_TIMEOUT_MS", "1000")];
        let server = TestServer::start_with(engine, &settings).await;
        let mut blocker = PgConnection::connect(server.installation.database_url()).await.unwrap();
        sqlx::raw_sql("BEGIN; LOCK TABLE namespaces IN ACCESS EXCLUSIVE MODE").execute(&mut blocker).await.unwrap();

        let blocked = tokio::spawn(server.get("/namespaces").send());
        while server.root.get("/health/ready").send().await.status == 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let started = Instant::now();
        server.root.get("/health/live").send().await.expect(200);
        let refused = server.get("/namespaces").send().await.expect(503);

        assert!(started.elapsed() < Duration::from_secs(15), "an exhausted pool must not make everybody wait");
        assert!(refused.header("retry-after").is_some());
        sqlx::raw_sql("ROLLBACK").execute(&mut blocker).await.unwrap();
        blocked.await.unwrap().expect(200);
        server.root.get("/health/ready").send().await.expect(200);
    });
}
