//! What takes minutes, for `make test-full`: a soak, longer races, a failover, a real pooler.

mod failover;
mod pair;
mod pooler;
mod races;
mod soak;
mod swaps;

use std::time::Duration;

use serde_json::Value;
use weir_tests::tools::is_full_lane;
use weir_tests::{Engine, Http, TestServer, Weir};

/// How long the soak takes in minutes, 1 to 20; the races take a sixth of it each.
const MINUTES: &str = "WEIR_SOAK_MINUTES";

const MINUTES_DEFAULT: f64 = 3.0;

/// How long the soak goes on; `None` (said aloud) outside the full lane.
fn soak_time() -> Option<Duration> {
    if !is_full_lane() {
        eprintln!("skipped: it takes minutes, `make test-full` runs it");
        return None;
    }
    let asked = std::env::var(MINUTES).ok().map(|text| text.parse::<f64>());
    let minutes = asked.transpose().unwrap_or_else(|error| panic!("{MINUTES} is no number of minutes: {error}"));
    Some(Duration::from_secs_f64(60.0 * minutes.unwrap_or(MINUTES_DEFAULT).clamp(1.0, 20.0)))
}

/// `1` of `00001-….metadata.json`: how many commits made this table what it is.
fn version(loaded: &Value) -> usize {
    let name = loaded["metadata-location"].as_str().and_then(|location| location.rsplit('/').next());
    name.and_then(|name| name.split('-').next()).and_then(|number| number.parse().ok()).expect("a numbered file")
}

/// The catalogs to write through: the server's own, on Postgres that of a second process as well.
async fn doors(server: &TestServer) -> (Vec<Http>, Option<Weir>) {
    if server.installation.engine == Engine::Sqlite {
        return (vec![server.catalog.clone()], None);
    }
    let (replica, catalog) = server.replica().await;
    (vec![server.catalog.clone(), catalog], Some(replica))
}
