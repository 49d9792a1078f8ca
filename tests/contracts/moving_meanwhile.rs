//! Namespaces that move while something inside is being judged, or comes to be inside while the move is.

use std::future::Future;
use std::pin::pin;

use serde_json::json;
use weir::app::App;
use weir::catalog::ident::{Namespace, TableIdent};
use weir::catalog::ids::WarehouseId;
use weir::permit::Permit;
use weir::store::Writer;
use weir::store::rows::{MoveNamespace, MovedNamespace, NamespaceRow, Rename, Renamed};
use weir_tests::{Answer, Engine, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    a_table_that_comes_in_after_the_judgement_does_not_move_along_unjudged,
    a_change_judged_at_one_path_is_not_made_at_another
);

/// Namespaces `a` with the table `t`, `b` with the table `x`; a contract that looks on.
async fn governed(engine: Engine) -> Governed {
    let weir = Governed::open(engine).await;
    for (namespace, table) in [("a", "t"), ("b", "x")] {
        weir.create_namespace(namespace).await;
        weir.create_table(namespace, table).await;
    }
    weir.govern(vec![Plugin::reviewer(json!({}))]).await;
    weir
}

fn warehouse(weir: &Governed) -> WarehouseId {
    weir.prefix.parse().expect("the prefix is the warehouse's id")
}

fn path(name: &str) -> Namespace {
    Namespace::parse(vec![name.to_owned()]).expect("a name")
}

async fn namespace(weir: &Governed, name: &str) -> NamespaceRow {
    weir.app.store.namespace(warehouse(weir), &path(name)).await.expect("readable").expect("it is there")
}

async fn begin(app: &App) -> Writer {
    app.store.begin(&Permit::operator("test")).await.expect("a writer")
}

/// Commits what `meanwhile` has done once contracts have judged the request so many times: by then it has seen the world
/// without that, and waits for its turn to write.
async fn overtaken(weir: &Governed, request: impl Future<Output = Answer>, judged: u64, meanwhile: Writer) -> Answer {
    let mut request = pin!(request);
    while reviews(weir) < judged {
        tokio::select! {
            biased;
            early = &mut request => panic!("answered before it was judged: {} {}", early.status, early.text()),
            () = tokio::task::yield_now() => {}
        }
    }
    meanwhile.commit().await.expect("it is durable");
    request.await
}

fn reviews(weir: &Governed) -> u64 {
    weir.app.plugins.current().members[0].guest.stats().calls
}

async fn a_table_that_comes_in_after_the_judgement_does_not_move_along_unjudged(engine: Engine) {
    let weir = governed(engine).await;
    let (a, b) = (namespace(&weir, "a").await, namespace(&weir, "b").await);
    let ident = TableIdent::parse(path("b"), "x".into()).expect("a name");
    let x = weir.app.store.tabular(warehouse(&weir), &ident).await.expect("readable").expect("it is there");
    let mut writer = begin(&weir.app).await;
    let rename = Rename { id: x.id, from_namespace_id: b.id, from_name: "x", namespace_id: a.id, name: "x", now_ms: 1 };
    assert_eq!(writer.rename_tabular(&rename).await.expect("it can be renamed"), Renamed::Done);

    let url = format!("/warehouse/{}/namespace/{}/move", weir.prefix, a.id);
    let to_c = || weir.management.post(&url, json!({"destination": ["c"]}));
    // The namespace itself and `t`.
    let moved = overtaken(&weir, to_c().send(), 2, writer).await;

    let message = moved.expect_error(409, "ConflictException");
    assert!(message.contains("has changed since data contracts judged its move"), "{message}");
    weir.catalog.head("/namespaces/a/tables/x").send().await.expect(204);
    to_c().send().await.expect(200);
    weir.catalog.head("/namespaces/c/tables/x").send().await.expect(204);
}

async fn a_change_judged_at_one_path_is_not_made_at_another(engine: Engine) {
    let weir = governed(engine).await;
    let view = bodies::create_view("v");
    weir.catalog.post("/namespaces/a/views", view).send().await.expect(200);
    let changes = [
        weir.catalog.post("/namespaces/a/tables", bodies::create_table("new")),
        weir.catalog.post("/namespaces/a/views", bodies::create_view("new")),
        weir.catalog.post("/namespaces/a/tables/t", bodies::commit(json!([]), bodies::set_property("k", "1"))),
        weir.catalog.post("/namespaces/a/views/v", bodies::commit(json!([]), bodies::set_property("k", "1"))),
        weir.catalog.post(
            "/tables/rename",
            json!({"source": bodies::identifier("b", "x"), "destination": bodies::identifier("a", "x")}),
        ),
        weir.catalog.post("/namespaces/a/tables/t/unregister", json!({})),
        weir.catalog.delete("/namespaces/a/tables/t"),
        weir.catalog.delete("/namespaces/a/views/v"),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let a = namespace(&weir, "a").await;
        let elsewhere = path(&format!("elsewhere{number}"));
        let mut writer = begin(&weir.app).await;
        let away = MoveNamespace { from: &a, above: None, path: &elsewhere, inside: None, now_ms: 1 };
        assert_eq!(writer.move_namespace(&away).await.expect("it can move"), MovedNamespace::Done);

        let judged = reviews(&weir) + 1;
        let answer = overtaken(&weir, change.send(), judged, writer).await;

        let message = answer.expect_error(409, "ConflictException");
        assert!(message.contains("namespace a has moved"), "{number}: {message}");
        let moved = namespace(&weir, elsewhere.name()).await;
        let mut writer = begin(&weir.app).await;
        let back = MoveNamespace { from: &moved, above: None, path: &path("a"), inside: None, now_ms: 1 };
        assert_eq!(writer.move_namespace(&back).await.expect("it can move"), MovedNamespace::Done);
        writer.commit().await.expect("it is durable");
    }
    let listed = weir.names("/namespaces/a/tables", 10).await;
    assert_eq!(listed, ["t"]);
}
