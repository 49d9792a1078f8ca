//! Plugins that try to use the catalog: none is a deputy with rights of its own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use weir::plugin::{Egress, Generation, Guest, GuestSettings, Limits, Member, Mode, Scope};
use weir_tests::Engine;
use weir_tests::governed::{Governed, Plugin};

use crate::ask::{bytes, settings, shared};

/// T38: no loan of the host reads the catalog, so nobody can be talked into reading for somebody else.
#[tokio::test]
async fn t38_a_plugin_that_wants_to_read_the_catalog_is_refused_by_name() {
    let refused = shared().compile(bytes("wants-catalog")).await.err().expect("refused").to_string();
    assert!(refused.contains("weir:plugin/catalog@0.1.0"), "{refused}");
    assert!(refused.contains("weir:plugin/http@0.1.0"), "it says what there is: {refused}");
}

/// P6: an authorizer that asks the catalog over HTTP makes it ask the authorizer again. That ends where its instances do:
/// every request is answered, nothing hangs, other requests go on, and afterwards all is as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_plugin_that_asks_the_catalog_itself_does_not_hang_it() {
    let weir = Governed::open(Engine::Sqlite).await;
    weir.create_namespace("ns").await;
    weir.create_table("ns", "t").await;
    let origin = weir.root.base().to_owned();
    let url = format!("{origin}/catalog/v1/{}/namespaces/ns/tables/t", weir.prefix);
    let settings = GuestSettings {
        limits: Limits { instances_max: 2, queue_max: 2, deadline_ms: 3_000, ..Limits::default() },
        egress: Egress { origins: vec![origin], allow_private: true },
        ..settings(json!({ "behaviour": "http", "url": url }), Limits::default())
    };
    let compiled = weir.sandbox().compile(bytes("guest")).await.expect("the guest compiles");
    let guest = Guest::load(&weir.sandbox(), &compiled, settings).await.expect("the guest loads");
    let member = Member { guest: Arc::clone(&guest), mode: Mode::Enforce, scope: Scope::default() };
    weir.app.plugins.swap(Generation { number: 1, members: vec![member], ..Generation::default() });

    let ask = || weir.catalog.head("/namespaces/ns/tables/t").send();
    let asked = async {
        let (answers, live) =
            tokio::join!(futures_util::future::join_all((0..8).map(|_| ask())), weir.root.get("/health/live").send());
        live.expect(200);
        answers
    };
    let answers = tokio::time::timeout(Duration::from_secs(120), asked).await.expect("nothing hangs");

    for answer in answers {
        assert!([204, 429, 503].contains(&answer.status), "{}", answer.status);
    }
    assert!(guest.stats().calls > 0);
    weir.govern(vec![Plugin::guest(json!({}))]).await;
    ask().await.expect(204);
}
