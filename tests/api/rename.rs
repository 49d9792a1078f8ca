//! Renames of tables, views: the name moves, nothing else does.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_renamed_table_keeps_its_place,
    a_table_moves_to_another_namespace,
    a_taken_name_is_409,
    a_missing_side_is_404_of_its_kind,
    a_rename_onto_itself_is_done,
    a_renamed_view_is_found
);

fn body(from: (&str, &str), to: (&str, &str)) -> Value {
    json!({ "source": bodies::identifier(from.0, from.1), "destination": bodies::identifier(to.0, to.1) })
}

async fn server(engine: Engine) -> TestServer {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server
}

async fn a_renamed_table_keeps_its_place(engine: Engine) {
    let server = server(engine).await;
    let created = server.create_table("ns", "t").await;

    server.post("/tables/rename", body(("ns", "t"), ("ns", "u"))).send().await.expect(204);

    let loaded = server.get("/namespaces/ns/tables/u").send().await.expect(200).json();
    assert_eq!(loaded["metadata"], created["metadata"]);
    server.head("/namespaces/ns/tables/t").send().await.expect(404);
}

async fn a_table_moves_to_another_namespace(engine: Engine) {
    let server = server(engine).await;
    server.create_namespace("other").await;
    server.create_table("ns", "t").await;

    server.post("/tables/rename", body(("ns", "t"), ("other", "t"))).send().await.expect(204);

    server.head("/namespaces/other/tables/t").send().await.expect(204);
    server.delete("/namespaces/ns").send().await.expect(204);
}

async fn a_taken_name_is_409(engine: Engine) {
    let server = server(engine).await;
    server.create_table("ns", "t").await;
    server.create_table("ns", "u").await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);

    let table = server.post("/tables/rename", body(("ns", "t"), ("ns", "u"))).send().await;
    let message = table.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Cannot rename ns.t to ns.u. Table already exists"), "{message}");
    let view = server.post("/tables/rename", body(("ns", "t"), ("ns", "v"))).send().await;
    let message = view.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Cannot rename ns.t to ns.v. View already exists"), "{message}");
}

async fn a_missing_side_is_404_of_its_kind(engine: Engine) {
    let server = server(engine).await;
    server.create_table("ns", "t").await;

    let source = server.post("/tables/rename", body(("ns", "absent"), ("ns", "u"))).send().await;
    source.expect_error(404, "NoSuchTableException");
    let destination = server.post("/tables/rename", body(("ns", "t"), ("absent", "u"))).send().await;
    destination.expect_error(404, "NoSuchNamespaceException");
    let view = server.post("/views/rename", body(("ns", "t"), ("ns", "u"))).send().await;
    view.expect_error(404, "NoSuchViewException");
}

async fn a_rename_onto_itself_is_done(engine: Engine) {
    let server = server(engine).await;
    server.create_table("ns", "t").await;

    server.post("/tables/rename", body(("ns", "t"), ("ns", "t"))).send().await.expect(204);

    server.head("/namespaces/ns/tables/t").send().await.expect(204);
}

async fn a_renamed_view_is_found(engine: Engine) {
    let server = server(engine).await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);

    server.post("/views/rename", body(("ns", "v"), ("ns", "w"))).send().await.expect(204);

    server.head("/namespaces/ns/views/w").send().await.expect(204);
    server.head("/namespaces/ns/views/v").send().await.expect(404);
}
