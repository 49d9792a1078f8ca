//! Events that leave the catalog: in order, at least once, by one process at a time.

use serde_json::json;
use weir::permit::Permit;
use weir::tasks::relay;
use weir_tests::{Engine, Received, Receiver, bodies, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_webhook_hears_of_changes_in_order_signed_as_cloud_events,
    t41_an_event_is_told_again_until_it_is_taken_and_nothing_overtakes_it,
    what_a_webhook_never_takes_is_among_the_dead_letters,
    events_are_told_again_from_a_position,
    r5_only_one_process_relays_and_another_takes_over_what_it_left
);

async fn house(engine: Engine, receiver: &Receiver, more: &[(&str, &str)]) -> House {
    let url = receiver.url();
    let mut settings = vec![
        ("WEIR__EVENTS__WEBHOOKS__HOOK__URL", url.as_str()),
        ("WEIR__EVENTS__WEBHOOKS__HOOK__SECRET", "canary-key"),
    ];
    settings.extend_from_slice(more);
    let house = House::open_with(engine, &settings).await;
    pass_on(&house).await;
    receiver.take();
    house
}

async fn pass_on(house: &House) -> usize {
    relay::relay_due_now(&house.app).await.expect("the relay runs")
}

fn kinds(received: &[Received]) -> Vec<String> {
    received.iter().map(|one| one.json()["type"].as_str().expect("a type").to_owned()).collect()
}

async fn a_webhook_hears_of_changes_in_order_signed_as_cloud_events(engine: Engine) {
    let receiver = Receiver::start().await;
    let house = house(engine, &receiver, &[]).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    let commit = bodies::commit(json!([]), bodies::set_property("owner", "a"));
    house.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200);
    house.drop_table("ns", "t", "").send().await.expect(204);

    pass_on(&house).await;

    let received = receiver.take();
    let expected = ["weir.namespace.created", "weir.table.created", "weir.table.committed", "weir.table.dropped"];
    assert_eq!(kinds(&received), expected);
    let first = &received[0];
    assert_eq!(first.header("content-type"), "application/cloudevents+json; charset=UTF-8");
    assert_eq!(first.header("webhook-id"), first.json()["id"]);
    assert!(first.header("webhook-signature").starts_with("v1,"));
    assert_eq!(first.json()["specversion"], "1.0");
    assert_eq!(first.json()["data"]["namespace"], json!(["ns"]));
    assert_eq!(pass_on(&house).await, 0, "what was taken is not told again");
    assert!(receiver.take().is_empty());
}

async fn t41_an_event_is_told_again_until_it_is_taken_and_nothing_overtakes_it(engine: Engine) {
    let receiver = Receiver::start().await;
    let house = house(engine, &receiver, &[]).await;
    receiver.answer(503);
    house.create_namespace("a").await;
    house.create_namespace("b").await;

    pass_on(&house).await;
    assert_eq!(receiver.take().len(), 1, "the second waits for the first");
    pass_on(&house).await;
    assert!(receiver.take().is_empty(), "not before the pause is over");
    house.pass_seconds(1);
    pass_on(&house).await;
    let again = receiver.take();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].json()["data"]["namespace"], json!(["a"]));
    let told = house.management.get("/relays").send().await.expect(200).json();
    assert_eq!(told["relays"][0]["name"], "webhook:hook");
    assert_eq!(told["relays"][0]["lag"], 2);
    assert_eq!(told["relays"][0]["failures"], 2);
    assert!(!told.to_string().contains(&receiver.url()), "a URL may hold a token");

    receiver.answer(200);
    house.pass_seconds(600);
    pass_on(&house).await;
    let names: Vec<_> = receiver.take().iter().map(|one| one.json()["data"]["namespace"][0].clone()).collect();
    assert_eq!(names, ["a", "b"]);
}

async fn what_a_webhook_never_takes_is_among_the_dead_letters(engine: Engine) {
    let receiver = Receiver::start().await;
    let house = house(engine, &receiver, &[("WEIR__EVENTS__WEBHOOKS__HOOK__ATTEMPTS_MAX", "2")]).await;
    receiver.answer(500);
    house.create_namespace("a").await;
    pass_on(&house).await;
    house.pass_seconds(600);
    pass_on(&house).await;
    receiver.answer(410);
    house.create_namespace("b").await;
    pass_on(&house).await;
    receiver.answer(200);
    house.create_namespace("c").await;
    receiver.take();

    pass_on(&house).await;

    assert_eq!(receiver.take().len(), 1, "what comes after is told");
    let letters = house.management.get("/dead-letters").send().await.expect(200).json();
    let letters = letters["dead-letters"].as_array().expect("a list").clone();
    let told: Vec<_> =
        letters.iter().map(|one| (one["attempts"].clone(), one["event"]["data"]["namespace"][0].clone())).collect();
    assert_eq!(told, [(json!(2), json!("a")), (json!(1), json!("b"))]);
    assert_eq!(letters[0]["error"], "it answered 500 Internal Server Error");
    let path = format!("/dead-letters/{}", letters[0]["id"].as_str().expect("an id"));
    house.management.delete(&path).send().await.expect(204);
    house.management.delete(&path).send().await.expect(404);
}

async fn events_are_told_again_from_a_position(engine: Engine) {
    let receiver = Receiver::start().await;
    let house = house(engine, &receiver, &[]).await;
    for name in ["a", "b", "c"] {
        house.create_namespace(name).await;
    }
    pass_on(&house).await;
    let told = receiver.take();
    let second: i64 = told[1].header("x-weir-position").parse().expect("a position");

    let path = "/relays/webhook:hook/position";
    house.management.post(path, json!({ "position": second - 1 })).send().await.expect(204);
    pass_on(&house).await;

    let again = receiver.take();
    assert_eq!(
        again.iter().map(|one| one.body.clone()).collect::<Vec<_>>(),
        [&told[1], &told[2]].map(|one| one.body.clone())
    );
    house.management.post(path, json!({ "position": 1_000_000 })).send().await.expect(400);
    house.management.post("/relays/webhook:other/position", json!({ "position": 0 })).send().await.expect(404);
    let nul = house.management.post("/relays/a%00b/position", json!({ "position": 0 })).send().await;
    nul.expect_error(400, "BadRequestException");
}

async fn r5_only_one_process_relays_and_another_takes_over_what_it_left(engine: Engine) {
    let receiver = Receiver::start().await;
    let house = house(engine, &receiver, &[]).await;
    house.create_namespace("a").await;
    // Somebody took the lease, told what it could, and died before noting it.
    let now_ms = house.app.clock.now_ms();
    let mut writer = house.app.store.begin(&Permit::operator("test")).await.expect("a writer");
    let other = uuid::Uuid::now_v7();
    let taken = writer.lease_relay("webhook:hook", other, now_ms, now_ms + 30_000).await.expect("the store answers");
    assert!(taken.is_some());
    writer.commit().await.expect("committed");

    assert_eq!(pass_on(&house).await, 0, "while another holds the lease nothing is told");
    house.pass_seconds(31);
    assert_eq!(pass_on(&house).await, 1);

    assert_eq!(kinds(&receiver.take()), ["weir.namespace.created"]);
    let mut writer = house.app.store.begin(&Permit::operator("test")).await.expect("a writer");
    let late = writer.advance_relay("webhook:hook", other, 99, 0).await.expect("the store answers");
    assert!(!late, "whoever lost the lease moves nothing");
}
