//! Decisions that are asked for once more, to find authorizers that answer in two ways.

use std::time::Duration;

use serde_json::json;
use weir_tests::{Engine, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(p13_an_authorizer_that_answers_in_two_ways_is_found, decisions_are_asked_once_unless_wanted_otherwise);

/// Asks until enough came of the second questions; gives how many decisions were the same again, how many were not.
async fn asked_again(engine: Engine, behaviour: &str, is_enough: impl Fn((u64, u64)) -> bool) -> (u64, u64) {
    let weir = Governed::open_with(engine, &[("WEIR__AUTHORIZATION__REPLAY_ONE_IN", "1")]).await;
    weir.govern(vec![Plugin::guest(json!({ "behaviour": behaviour }))]).await;
    let found = async {
        loop {
            weir.catalog.get("/namespaces").send().await;
            let found = weir.app.authorization.replays();
            if is_enough(found) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("it is asked again")
}

async fn p13_an_authorizer_that_answers_in_two_ways_is_found(engine: Engine) {
    asked_again(engine, "fickle", |(_, different)| different > 0).await;
    let (_, different) = asked_again(engine, "none", |(same, _)| same > 3).await;
    assert_eq!(different, 0);
}

async fn decisions_are_asked_once_unless_wanted_otherwise(engine: Engine) {
    let weir = Governed::open(engine).await;
    weir.govern(vec![Plugin::guest(json!({}))]).await;
    weir.catalog.get("/namespaces").send().await.expect(200);
    assert_eq!(weir.app.authorization.replays(), (0, 0));
}
